"""Append rows to a trace file, each complete on disk before the next step begins."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from neuromf.errors import InputError
from neuromf.trace.cells import format_cell, is_whole, parse_row
from neuromf.trace.columns import USUAL_CHANNELS, Column, Row, TraceRow, columns_of


class TraceWriter:
    """Writes `trace.csv`, keeping the rows before `first_step` of an earlier part of the run.

    Args:
        path: the trace file.
        first_step: step of the next row; later rows of an interrupted run are dropped, for they will be made again.
        channels: of the latents.
        covered: rows that are known to be whole, see `reader.steps_covered`, and are not read as numbers once more.

    Raises:
        InputError: one of the rows before `first_step` is missing or damaged.
    """

    def __init__(self, path: Path, first_step: int, channels: int = USUAL_CHANNELS, covered: int = 0) -> None:
        self._columns = columns_of(channels)
        staging = path.with_suffix(".tmp")
        try:
            if 0 < first_step <= covered:
                with path.open("rb") as former, staging.open("wb") as kept:
                    kept.writelines(islice(former, first_step + 1))
            else:
                with staging.open("w", newline="") as stream:
                    writer = csv.writer(stream, lineterminator="\n")
                    writer.writerow(column.name for column in self._columns)
                    if first_step:
                        _copy_rows(path, self._columns, first_step, writer.writerow)
            with staging.open("rb") as written:
                os.fsync(written.fileno())
            staging.replace(path)
        finally:
            staging.unlink(missing_ok=True)
        self._stream = path.open("a", newline="")
        self._writer = csv.writer(self._stream, lineterminator="\n")

    def append(self, row: TraceRow) -> Row:
        """Write one row; every column must be there, and only optional ones may be empty.

        Returns:
            The row as the file holds it, so that what is derived from it is the same after a resume.
        """
        values: Row = row
        for column in self._columns:
            if values[column.name] is None and not column.optional:
                raise ValueError(f"trace column {column.name} may not be empty")
        cells = {column.name: format_cell(values[column.name], column.kind) for column in self._columns}
        self._writer.writerow(cells.values())
        self._stream.flush()
        return parse_row(cells, self._columns)

    def sync(self) -> None:
        """Force the rows to disk, so that a checkpoint is never ahead of its trace."""
        os.fsync(self._stream.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def _copy_rows(path: Path, columns: Sequence[Column], first_step: int, target: Callable[[list[str]], object]) -> None:
    """Hand on the rows of steps 0 .. first_step - 1, one at a time: a long trace is never in memory as a whole.

    What follows them is made again, and a kill may have torn its end.

    Raises:
        InputError: one of those rows is missing or damaged.
    """
    remedy = "restore the file, or start a new run: a resumed trace must be whole"
    names, count = [column.name for column in columns], 0
    try:
        # Replaced, not refused: what a torn end holds besides the rows may be any bytes.
        with path.open(newline="", errors="replace") as stream:
            rows = csv.reader(stream)
            header = next(rows, [])
            for step, row in zip(range(first_step), rows, strict=False):
                parsed = parse_row(dict(zip(names, row, strict=True)), columns)
                if row[0] != str(step) or not is_whole(parsed, columns):
                    break
                target(row)
                count += 1
    except (OSError, csv.Error) as error:
        raise InputError(f"the trace cannot be read ({error})", remedy=remedy, file=path) from error
    except ValueError as error:
        raise InputError(f"a row is damaged ({error})", remedy=remedy, file=path) from error
    if header != names or count < first_step:
        raise InputError(f"steps 0 to {first_step - 1} are not all there", remedy=remedy, file=path)
