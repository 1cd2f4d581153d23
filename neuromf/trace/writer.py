"""Append rows to a trace file, each complete on disk before the next step begins."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from neuromf.errors import InputError
from neuromf.trace.cells import format_cell, parse_row
from neuromf.trace.columns import COLUMNS, NAMES, Row


class TraceWriter:
    """Writes `trace.csv`, keeping the rows before `first_step` of an earlier part of the run.

    Args:
        path: the trace file.
        first_step: step of the next row; later rows of an interrupted run are dropped, for they will be made again.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        kept = _rows_before(path, first_step)
        staging = path.with_suffix(".tmp")
        with staging.open("w", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([list(NAMES), *kept])
            stream.flush()
            os.fsync(stream.fileno())
        staging.replace(path)
        self._stream = path.open("a", newline="")
        self._writer = csv.writer(self._stream, lineterminator="\n")

    def append(self, row: Row) -> Row:
        """Write one row; every column must be there, and only optional ones may be empty.

        Returns:
            The row as the file holds it, so that what is derived from it is the same after a resume.
        """
        for column in COLUMNS:
            if row[column.name] is None and not column.optional:
                raise ValueError(f"trace column {column.name} may not be empty")
        cells = {column.name: format_cell(row[column.name], column.kind) for column in COLUMNS}
        self._writer.writerow(cells.values())
        self._stream.flush()
        return parse_row(cells)

    def sync(self) -> None:
        """Force the rows to disk, so that a checkpoint is never ahead of its trace."""
        os.fsync(self._stream.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def _rows_before(path: Path, first_step: int) -> list[list[str]]:
    """The rows of steps 0 .. first_step - 1; what follows them is made again, and a kill may have torn its end.

    Raises:
        InputError: one of those rows is missing or damaged; the file is left as it is.
    """
    if first_step == 0:
        return []
    remedy = "restore the file, or start a new run: a resumed trace must be whole"
    try:
        with path.open(newline="") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"the trace cannot be read ({error})", remedy=remedy, file=path) from error
    kept = rows[:first_step]
    try:
        parsed = [parse_row(dict(zip(NAMES, row, strict=True))) for row in kept]
        filled = all(row[c.name] is not None or c.optional for row in parsed for c in COLUMNS)
    except ValueError as error:
        raise InputError(f"a row is damaged ({error})", remedy=remedy, file=path) from error
    whole = filled and header == list(NAMES) and len(kept) == first_step
    if not (whole and [row[0] for row in kept] == [str(step) for step in range(first_step)]):
        raise InputError(f"steps 0 to {first_step - 1} are not all there", remedy=remedy, file=path)
    return kept
