"""`python -m tools.outcomes FOLDER`."""

from __future__ import annotations

import typer

from neuromf.cli.app import run
from tools.commands.outcomes import outcomes

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command()(outcomes)

if __name__ == "__main__":
    run(app)
