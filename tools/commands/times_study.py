"""`python -m tools times-study latents|toys`: which times and weight learn the one-step map best."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Which = StrEnum("Which", {"LATENTS": "latents", "TOYS": "toys"})


def times_study(
    which: Annotated[Which, typer.Argument(help="What is trained on.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the kept study's when left out.")
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, help="Trainings at a time, a thread each.")] = 2,
) -> None:
    """Train every setting with three seeds; print the table."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    import torch

    from neuromf.cli.console import progress_bar
    from tools.studies.latent_training import SEEDS
    from tools.studies.times import table
    from tools.studies.times.latents import latent_row
    from tools.studies.times.plan import ARMS
    from tools.studies.times.toys import toy_rows

    plan = [(arm.name, seed) for seed in SEEDS for arm in ARMS]
    arms, seeds = zip(*plan, strict=True)
    rows: list = []  # type: ignore[type-arg]
    with (
        progress_bar("trainings") as show,
        ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool,
    ):
        for place, one in enumerate(pool.map(latent_row if which is Which.LATENTS else toy_rows, arms, seeds)):
            rows += one if isinstance(one, list) else [one]
            show(place + 1, len(plan), plan[place][0])
            # After each: a study that is ended early keeps what it has.
            frame = table.as_frame(which.value, rows)
            table.write(which.value, frame, out or table.FOLDER)
    table.write_page(which.value, frame, out or table.FOLDER)
    print(table.table(which.value, frame), end="")
