"""The rows as files, and the tables that are read: each setting beside `recommended` of the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from neuromf.checkout import golden_folder
from neuromf.trace.exact import read_exact
from tools.marked_block import replace_block
from tools.studies.kept_rows import show_table, write_rows
from tools.studies.times.latents import LatentRow
from tools.studies.times.plan import ARMS, LONGER
from tools.studies.times.toys import ToyRow

FOLDER = golden_folder() / "times"
BASE = ARMS[0].name
_KEY = {
    "arm": pa.Column(str, pa.Check.isin([arm.name for arm in (*ARMS, *LONGER)])),
    "seed": pa.Column(int, pa.Check.ge(0)),
}


def _numbers(*names: str) -> dict[str, pa.Column]:
    return {name: pa.Column(float, pa.Check.gt(0), coerce=True) for name in names}


LATENTS = pa.DataFrameSchema(
    {**_KEY, **_numbers("mf", "fm", "one", "two", "four", "spread", "real", "noise")},
    strict=True, ordered=True, unique=["arm", "seed"],
)  # fmt: skip
TOYS = pa.DataFrameSchema(
    {"arm": _KEY["arm"], "truth": pa.Column(str), "seed": _KEY["seed"],
     **_numbers("one", "two", "four", "spread", "real")},
    strict=True, ordered=True, unique=["arm", "truth", "seed"],
)  # fmt: skip
SCHEMAS = {"latents": LATENTS, "toys": TOYS}
SHOWN = {"latents": ("one", "two", "four", "spread", "mf", "fm"), "toys": ("one", "two", "four", "spread")}


def as_frame(name: str, rows: Sequence[LatentRow] | Sequence[ToyRow]) -> pd.DataFrame:
    """A row a training."""
    return SCHEMAS[name].validate(pd.DataFrame([asdict(row) for row in rows]))


def write(name: str, frame: pd.DataFrame, folder: Path) -> None:
    """Keep the rows."""
    write_rows(folder / f"{name}.csv", frame)


def read(name: str, folder: Path = FOLDER) -> pd.DataFrame:
    """The kept rows."""
    return SCHEMAS[name].validate(read_exact(folder / f"{name}.csv"))


def write_page(name: str, frame: pd.DataFrame, folder: Path) -> None:
    """Put the table into the folder's page, where there is one."""
    show_table(folder, name, table(name, frame).rstrip("\n"))


def on_page(name: str, text: str, frame: pd.DataFrame) -> str:
    """A page with the table of these rows."""
    return replace_block(text, name, table(name, frame).rstrip("\n"))


def table(name: str, frame: pd.DataFrame) -> str:
    """Markdown: means over seeds, and behind a distance in how many seeds it is below the base's own."""
    return "\n".join(f"{title}:\n\n{_table(part, SHOWN[name], base)}" for title, part, base in _parts(name, frame))


def _parts(name: str, frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame, str]]:
    """Title, rows and first setting of each table."""
    if name == "toys":
        return [(str(truth), part, BASE) for truth, part in frame.groupby("truth", sort=False)]
    longer = frame["arm"].isin([arm.name for arm in LONGER])
    found = [("320 steps", frame[~longer], BASE), ("1,280 steps", frame[longer], LONGER[0].name)]
    return [part for part in found if len(part[1])]


def _table(frame: pd.DataFrame, shown: Sequence[str], base: str) -> str:
    wide = frame.set_index(["arm", "seed"])
    lines = ["| setting | " + " | ".join(shown) + " |", "|---|" + "---|" * len(shown)]
    for arm in frame["arm"].unique():
        lines.append(f"| {arm} | " + " | ".join(_cell(wide[name], arm, name, base) for name in shown) + " |")
    return "\n".join(lines) + "\n"


def _cell(values: pd.Series, arm: str, name: str, base: str) -> str:
    own, first = values[arm], values[base]
    mean = f"{own.mean():.3g}"
    if name not in ("one", "two", "four"):
        return mean
    if arm == base:
        return f"{mean} ({own.min():.3g} to {own.max():.3g})"
    below = sum(own[seed] < first[seed] for seed in own.index)
    return f"{mean} ({below} of {len(own)})"
