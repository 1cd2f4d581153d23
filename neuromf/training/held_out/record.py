"""`validation.csv`: one row a validation, beside the trace; without torch."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuromf.errors import InputError
from neuromf.training.held_out.timetable import steps_validated

if TYPE_CHECKING:
    import pandera.pandas as pa

    from neuromf.config.schema import Config

REMEDY = "restore the file, or start a new run"


@dataclass(frozen=True, kw_only=True)
class ValidationRow:
    """One validation. Losses are raw, squared latent per dim, means over the samples; NaN where there is none.

    Attributes:
        epoch: epochs done.
        step: optimiser steps done.
        scans: of either split, one a subject.
        samples: noise and times drawn for those of a split.
        val_total: of the validation split, FM and MF in the proportion of the training.
        val_fm: of FM samples, r = t.
        val_mf: of MF samples, r < t.
        train_total: the same on as many scans of the training split, with the same noise and times.
        train_fm: likewise.
        train_mf: likewise.
        gap: share by which held-out scans are above training scans, sample by sample with the same noise and times.
        gap_low: lower end of its interval, 99.9 %; NaN of fewer than four scans.
        gap_high: upper end.
    """

    epoch: int
    step: int
    scans: int
    samples: int
    val_total: float
    val_fm: float
    val_mf: float
    train_total: float
    train_fm: float
    train_mf: float
    gap: float
    gap_low: float
    gap_high: float

    @property
    def losses(self) -> dict[str, float]:
        """What was found, by column; without what there is none of."""
        found = {name: float(getattr(self, name)) for name in LOSSES}
        return {name: value for name, value in found.items() if not math.isnan(value)}


COUNTS = ("epoch", "step", "scans", "samples")
COLUMNS = tuple(field.name for field in fields(ValidationRow))
LOSSES = COLUMNS[len(COUNTS) :]


def validation_schema() -> pa.DataFrameSchema:
    """What a table of validations must be."""
    import pandera.pandas as pa  # takes half a second, and who reads a few rows does without

    rising = pa.Check(lambda s: (s.diff().iloc[1:] > 0).all(), error="steps must rise")
    counts = {name: pa.Column(int, pa.Check.ge(1)) for name in COUNTS}
    counts |= {"epoch": pa.Column(int, pa.Check.ge(0)), "step": pa.Column(int, [pa.Check.ge(1), rising])}
    losses = {name: pa.Column(float, nullable=True) for name in LOSSES}
    return pa.DataFrameSchema(counts | losses, strict=True, ordered=True)


def read_validations(path: Path) -> list[ValidationRow]:
    """The whole rows of a table, oldest first; none where there is no file. A torn last line is left out.

    Raises:
        InputError: it is no table of validations.
    """
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", remedy=REMEDY, file=path) from error
    header, *rows = csv.reader(text.rpartition("\n")[0].splitlines()) if "\n" in text else [list(COLUMNS)]
    if tuple(header) != COLUMNS:
        raise InputError("holds other columns than a table of validations", remedy=REMEDY, file=path)
    try:
        found = [_parsed(row) for row in rows]
    except ValueError as error:
        raise InputError(f"a row is damaged ({error})", remedy=REMEDY, file=path) from error
    if any(not before.step < after.step for before, after in pairwise(found)):
        raise InputError("its steps are out of order", remedy=REMEDY, file=path)
    return found


def _parsed(cells: Sequence[str]) -> ValidationRow:
    named = dict(zip(COLUMNS, cells, strict=True))
    counts: dict[str, Any] = {name: int(named[name]) for name in COUNTS}
    losses = {name: float(named[name]) if named[name] else math.nan for name in LOSSES}
    return ValidationRow(**counts | losses)


def line_of(row: ValidationRow) -> str:
    """A row as text that gives every number back exactly; an empty cell where there is none."""
    cells = [
        str(value) if isinstance(value, int) else "" if math.isnan(value) else f"{value:.17g}" for value in astuple(row)
    ]
    return ",".join(cells) + "\n"


class ValidationWriter:
    """Appends validations, keeping those of an earlier part of the run.

    Args:
        path: the table; it is made with its first row.
        config: the run.
        done: optimiser steps done; later rows of an interrupted run are dropped, for they will be made again.

    Raises:
        InputError: a row of the steps before is missing or damaged.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, config: Config, done: int) -> None:
        self._path = path
        self.rows = [row for row in read_validations(path) if row.step <= done]
        expected = steps_validated(config, done)
        if [row.step for row in self.rows] != expected:
            problem = f"its rows are not those of the {len(expected)} validations before step {done}"
            raise InputError(problem, remedy=REMEDY, file=path)
        if path.exists():
            staging = path.with_suffix(".tmp")
            staging.write_text(",".join(COLUMNS) + "\n" + "".join(map(line_of, self.rows)), encoding="ascii")
            staging.replace(path)

    def append(self, row: ValidationRow) -> None:
        """Add one validation."""
        with self._path.open("a", encoding="ascii") as stream:
            stream.write(("" if stream.tell() else ",".join(COLUMNS) + "\n") + line_of(row))
        self.rows.append(row)

    def sync(self) -> None:
        """Force the rows to disk, so that a checkpoint is never ahead of them."""
        if self.rows:
            with self._path.open("rb") as stream:
                os.fsync(stream.fileno())
