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
    """Train three seeds with du/dt in float32, TF32 and bfloat16, half an hour of one core; print the table."""
    import torch

    from neuromf.cli.console import progress_bar
    from tools.studies.derivative_precision import table, trainings

    torch.set_num_threads(1)  # sums in one order on any machine
    plan = [(kind, seed) for seed in trainings.SEEDS for kind in trainings.KINDS]
    with progress_bar("trainings") as show:
        trained = []
        for kind, seed in plan:
            trained.append(trainings.train(kind, seed))
            show(len(trained), len(plan), kind)
    frame = table.as_frame(trained)
    table.write(frame, out or table.FOLDER)
    print(table.table(frame), end="")
