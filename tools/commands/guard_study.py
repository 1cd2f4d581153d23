"""`python -m tools guard-study`: how often the divergence guard errs, and how early it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def guard_study(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the kept study's, or none with --quick.")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option("--recorded", help="Keep the trainings' records here; those found are not redone.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes at a time.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="One run of each kind, in seconds instead of half an hour.")
    ] = False,
) -> None:
    """Count the divergence guard's false alarms, and how early it is right; exit 1 when it misses a target."""
    from neuromf.cli.console import progress_bar
    from tools.studies.guard.store import FOLDER, write_study
    from tools.studies.guard.study import FULL, QUICK, run_study
    from tools.studies.guard.table import table
    from tools.studies.guard.targets import targets

    with progress_bar("guard study") as show:
        study = run_study(QUICK if quick else FULL, jobs, recorded, show)
    text = table(study)
    folder = out or (None if quick else FOLDER)
    if folder is not None:
        write_study(study, text, folder)
    print(text)
    raise typer.Exit(0 if all(target.met for target in targets(study)) else 1)
