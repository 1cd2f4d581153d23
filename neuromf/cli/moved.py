"""Commands that moved to `python -m tools`: the old name works for one more release, hidden and with a hint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from neuromf.checkout import before_others, source_root
from neuromf.errors import InputError

PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
Arguments = Annotated[list[str] | None, typer.Argument()]
MOVED = {
    "faults": "",
    "bisect-simulate": "",
    "golden": ("measure", "bless", "recipes", "attribute"),
    "laws": ("check", "matrix"),
}
"""Commands of `neuromf`, or of one of its groups, that a checkout alone can run."""


def add_moved(app: typer.Typer, groups: dict[str, typer.Typer]) -> None:
    """Register the former names, hidden."""
    for name, commands in MOVED.items():
        for command in commands or ("",):
            parent = groups[name] if command else app
            words = (name, command) if command else (name,)
            parent.command(name=command or name, hidden=True, context_settings=PASSED_ON)(_forward(words))


def _forward(words: tuple[str, ...]) -> Callable[[Arguments], None]:
    def command(arguments: Arguments = None) -> None:
        """Moved to `python -m tools`."""
        raise typer.Exit(run_tools([*words, *(arguments or ())]))

    return command


def run_tools(arguments: list[str]) -> int:
    """Say where the command is now, and run it there.

    Raises:
        InputError: this is no checkout.
    """
    now = f"python -m tools {' '.join(arguments[:2])}"
    root = source_root()
    if root is None:
        problem = f"needs a clone of the repository, where it is `{now}` now"
        raise InputError(problem, remedy="clone the repository and type it there", key=arguments[0])
    print(f"neuromf: this command is `{now}` now; the old name goes with the next release", file=sys.stderr)
    environment = {**os.environ, **before_others(root)}
    return subprocess.call([sys.executable, "-m", "tools", *arguments], env=environment)
