"""Published runs with a known outcome: a folder of configurations and its `outcomes.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neuromf.errors import InputError

COLUMNS = ("name", "source", "outcome", "notes")
FILE = "outcomes.csv"
STRENGTHS = ("strong", "partial", "weak")
COUNTED = ("strong", "partial")
"""Strengths of evidence that a rate is computed from."""
CODE = "cause: code"
"""In the notes of a run that failed by a fault of its code, which no configuration shows."""


@dataclass(frozen=True)
class PublishedRun:
    """One run.

    Attributes:
        name: its configuration is `name`.yaml.
        good: whether it succeeded.
        strength: of the evidence, `strong`, `partial` or `weak`.
        by_code: whether it failed by a fault of its code; it is judged and not counted.
        path: the configuration.
    """

    name: str
    good: bool
    strength: Literal["strong", "partial", "weak"]
    by_code: bool
    path: Path

    @property
    def counted(self) -> bool:
        """Whether it enters the rates."""
        return self.strength in COUNTED and not self.by_code


def read_runs(folder: Path) -> list[PublishedRun]:
    """The runs of a folder, in the order of its table.

    Raises:
        InputError: the table or a configuration is not there, or a row is not of its form.
    """
    path = folder / FILE
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, header = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read ({error})", remedy="give a folder that holds it", file=path) from error
    if lacking := [name for name in COLUMNS if name not in header]:
        remedy = f"head the columns {', '.join(COLUMNS)}"
        raise InputError(f"has no column {lacking[0]}", remedy=remedy, file=path)
    runs = [_run(row, folder, path) for row in rows]
    if len({run.name for run in runs}) < len(runs):
        raise InputError("names a run twice", remedy="name each once", file=path, key="name")
    return runs


def _run(row: dict[str, str | None], folder: Path, table: Path) -> PublishedRun:
    name, outcome, notes = (str(row[column] or "").strip() for column in ("name", "outcome", "notes"))
    file = folder / f"{name}.yaml"
    kind = outcome.partition(":")[0].strip()
    strength = notes.partition(";")[0].strip()
    if not name or not file.is_file():
        raise InputError(f"names {name!r}, and {file.name} is not there", remedy="add it", file=table, key="name")
    if kind not in ("good", "bad"):
        remedy = "begin with 'good:' or 'bad:'"
        raise InputError(f"{name} has the outcome {outcome!r}", remedy=remedy, file=table, key="outcome")
    if strength not in STRENGTHS:
        remedy = f"begin with {', '.join(STRENGTHS)} and a semicolon"
        raise InputError(f"{name} does not say how strong its evidence is", remedy=remedy, file=table, key="notes")
    return PublishedRun(name, kind == "good", strength, CODE in notes, file)  # type: ignore[arg-type]
