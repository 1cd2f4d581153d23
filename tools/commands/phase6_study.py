"""`python -m tools phase6-study SWEEP`: the samples of a finished small sweep of phase 6."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def phase6_study(
    sweep: Annotated[Path, typer.Argument(help="Folder of a finished `neuromf sweep phase6_small`.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the kept study's when left out.")
    ] = None,
) -> None:
    """Draw and measure samples of every run of SWEEP; print the table."""
    from tools.studies import phase6

    print(phase6.table(phase6.write(list(phase6.swept_runs(sweep)), out or phase6.FOLDER)))
