"""`python -m tools derivative-study`: what the number type of du/dt does to a training."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer


def derivative_study(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the kept study's when left out.")
    ] = None,
) -> None:
    """Train three seeds with du/dt in float32, TF32 and bfloat16, an hour of one core; print the table."""
    import torch

    from neuromf.cli.console import progress_bar
    from tools.studies.derivative_precision import table, trainings
    from tools.studies.latent_training import SEEDS

    plan = [(kind, seed) for seed in SEEDS for kind in trainings.KINDS]
    kinds, seeds = zip(*plan, strict=True)
    # A thread each: sums are in one order on any machine, and the trainings are independent.
    with (
        progress_bar("trainings") as show,
        ProcessPoolExecutor(
            os.cpu_count(), mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool,
    ):
        trained = []
        for one in pool.map(trainings.train, kinds, seeds):
            trained.append(one)
            show(len(trained), len(plan), one.precision)
            # After each: a study that is ended early keeps what it has.
            frame = table.as_frame(trained)
            table.write(frame, out or table.FOLDER)
    table.write_page(frame, out or table.FOLDER)
    print(table.table(frame), end="")
