"""`python -m tools torus-study`: the share of FM samples and the time scale, put to trainings on the torus."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Question = StrEnum("Question", {"DATA_PROPORTION": "data_proportion", "TIME_SCALE": "time_scale"})


def torus_study(
    question: Annotated[Question, typer.Argument(help="Which study.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; the kept study's when left out.")
    ] = None,
) -> None:
    """Train on the torus what a study plans, a few minutes of one core, and write its rows; print its table."""
    import torch

    from neuromf.cli.console import progress_bar
    from tools.studies.torus import plan, study, tables

    torch.set_num_threads(1)  # the matrices are too small for more
    with progress_bar(question.value) as show:
        if question is Question.DATA_PROPORTION:
            shares = plan.share_settings()
            made, total = study.share_rows(shares), len(shares) * len(plan.SHARE_SEEDS)
            schema, text = tables.SHARE_SCHEMA, tables.share_table
        else:
            scales = plan.scale_settings()
            made, total = study.scale_rows(scales), len(scales) * len(plan.SCALE_SEEDS)
            schema, text = tables.SCALE_SCHEMA, tables.scale_table
        rows = study.collect(made, lambda done: show(done, total, question.value))
    tables.write_rows(rows, question.value, schema, out or tables.FOLDER)
    print(text(rows))
