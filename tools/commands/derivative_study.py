"""`python -m tools derivative-study`: what the number type of du/dt does to a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def derivative_study(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the kept study's when left out.")
    ] = None,
) -> None:
    """Train three seeds with du/dt in float32, TF32 and bfloat16, an hour of one core; print the table."""
    from tools.studies.derivative_precision import table, trainings
    from tools.studies.latent_training import SEEDS
    from tools.studies.side_by_side import trained_side_by_side

    plan = [(kind, seed) for seed in SEEDS for kind in trainings.KINDS]
    trained = []
    for one in trained_side_by_side(trainings.train, plan, None):
        trained.append(one)
        # After each: a study that is ended early keeps what it has.
        frame = table.as_frame(trained)
        table.write(frame, out or table.FOLDER)
    table.write_page(frame, out or table.FOLDER)
    print(table.table(frame), end="")
