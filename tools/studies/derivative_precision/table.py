"""The study's rows as a file, and the table that is read: each number type beside float32 of the same seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from neuromf.checkout import golden_folder
from neuromf.trace.exact import read_exact
from tools.marked_block import replace_block
from tools.studies.derivative_precision.trainings import KINDS, Trained
from tools.studies.kept_rows import show_table, write_rows

FOLDER = golden_folder() / "derivative_precision"
BLOCK = "table"
"""Name of the table's block on the page."""
NUMBERS = ("mf", "fm", "one_step", "two_steps")
SCHEMA = pa.DataFrameSchema(
    {
        "precision": pa.Column(str, pa.Check.isin(KINDS)),
        "seed": pa.Column(int, pa.Check.ge(0)),
        **{name: pa.Column(float, pa.Check.gt(0), coerce=True) for name in (*NUMBERS, "noise")},
    },
    strict=True, ordered=True, unique=["precision", "seed"],
)  # fmt: skip


def as_frame(trained: Iterable[Trained]) -> pd.DataFrame:
    """A row a training."""
    return SCHEMA.validate(pd.DataFrame([asdict(one) for one in trained]))


def write(frame: pd.DataFrame, folder: Path) -> None:
    """Keep the rows."""
    write_rows(folder / "trainings.csv", frame)


def read(folder: Path = FOLDER) -> pd.DataFrame:
    """The kept rows."""
    return SCHEMA.validate(read_exact(folder / "trainings.csv"))


def write_page(frame: pd.DataFrame, folder: Path) -> None:
    """Put the table into the folder's page, where there is one."""
    show_table(folder, BLOCK, table(frame).rstrip("\n"))


def on_page(text: str, frame: pd.DataFrame) -> str:
    """A page with the table of these rows."""
    return replace_block(text, BLOCK, table(frame).rstrip("\n"))


def table(frame: pd.DataFrame) -> str:
    """Markdown: the mean over seeds, and in percent how far each seed is from its own training in float32."""
    wide = frame.set_index(["precision", "seed"])
    lines = ["| du/dt in | " + " | ".join(NUMBERS) + " |", "|---|" + "---|" * len(NUMBERS)]
    for kind in KINDS:
        cells = [_cell(wide[name], kind) for name in NUMBERS]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(values: pd.Series, kind: str) -> str:
    own, single = values[kind], values["fp32"]
    mean = f"{own.mean():.4g}"
    if kind == "fp32":
        return f"{mean} ({own.min():.4g} to {own.max():.4g})"
    return mean + " (" + ", ".join(f"{100 * (own[seed] / single[seed] - 1):+.2g} %" for seed in own.index) + ")"
