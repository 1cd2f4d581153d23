"""`python -m tools times-study latents|toys`: which times and weight learn the one-step map best."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

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
    from tools.studies.side_by_side import trained_side_by_side
    from tools.studies.times import table
    from tools.studies.times.latents import latent_rows
    from tools.studies.times.plan import planned
    from tools.studies.times.toys import toy_rows

    name = which.value
    train: Callable[[str, int], list[Any]] = latent_rows if which is Which.LATENTS else toy_rows
    rows: list[Any] = []
    for found in trained_side_by_side(train, planned(longer=which is Which.LATENTS), processes):
        rows += found
        # After each: a study that is ended early keeps what it has.
        frame = table.as_frame(name, rows)
        table.write(name, frame, out or table.FOLDER)
    table.write_page(name, frame, out or table.FOLDER)
    print(table.table(name, frame), end="")
