"""Read a trace back: as a checked table, or row by row."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from neuromf.errors import InputError
from neuromf.trace.cells import is_whole, parse_row
from neuromf.trace.columns import Column, Row, columns_in

if TYPE_CHECKING:
    import pandas as pd

_REMEDY = "give a trace.csv that `neuromf train` wrote"


def read_trace(path: str | Path) -> pd.DataFrame:
    """Read a trace as a table, one row an optimiser step; an empty cell is NaN, as is a number that is none.

    Raises:
        InputError: missing, empty, cut short, a foreign or missing column, or steps out of order.
    """
    # Here, for who reads rows or arrays needs neither pandas nor pandera, which take half a second.
    from pandera.errors import SchemaError, SchemaErrors

    from neuromf.trace.exact import read_exact
    from neuromf.trace.schema import trace_schema

    path = Path(path)
    columns = check_frame(path)
    try:
        table = read_exact(path, dtype=dtypes(columns), keep_default_na=False, na_values=not_numbers(columns))
        return trace_schema(columns).validate(table)
    except (OSError, ValueError, SchemaError, SchemaErrors) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"not a trace ({problem})", remedy=_REMEDY, file=path) from error


def dtypes(columns: Sequence[Column]) -> dict[str, str]:
    """How pandas reads each column."""
    return {c.name: {"int": "int64", "text": "str", "float": "float64"}[c.kind] for c in columns}


def not_numbers(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Cells that pandas reads as NaN, by column: what a broken step writes, and the empty cell where one may be.

    Without this list it would take a dozen words for NaN in every column, an empty raw loss among them; without any it
    refuses `nan`, the one number that its parser does not know.
    """
    return {c.name: ["nan", *([""] if c.optional else [])] for c in columns if c.kind == "float"}


def check_frame(path: Path) -> tuple[Column, ...]:
    """The columns of a trace, by its header; that and the last character are what pandas would repair in silence."""
    try:
        with path.open("rb") as stream:
            header = stream.readline().decode().rstrip("\n").split(",")
            stream.seek(max(stream.seek(0, os.SEEK_END) - 1, 0))
            ending = stream.read(1)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a trace ({error})", remedy=_REMEDY, file=path) from error
    if not ending:
        raise InputError("the file is empty", remedy=_REMEDY, file=path)
    columns = columns_in(header)
    for found, column in zip(header, columns, strict=False):
        if found != column.name:
            raise InputError(f"column '{found}' stands where '{column.name}' belongs", remedy=_REMEDY, file=path)
    if len(header) != len(columns):
        raise InputError(f"{len(header)} columns instead of {len(columns)}", remedy=_REMEDY, file=path)
    if ending != b"\n":
        raise InputError("the last line is cut short", remedy="drop that line or resume the run", file=path)
    return columns


def read_rows(path: Path) -> list[Row]:
    """The rows of a trace this process is writing; a table for analysis is `read_trace`."""
    return list(rows_from(path, 0))


def rows_from(path: Path, first: int) -> Iterator[Row]:
    """The rows of a trace this process is writing, but for the `first` ones; one at a time is in memory."""
    with path.open(newline="") as stream:
        names = next(csv.reader(stream), [])
        columns = columns_in(names)
        for line in islice(stream, max(first, 0), None):  # those passed over are not taken apart
            cells = next(csv.reader([line]))
            if cells:
                yield parse_row(dict.fromkeys(names, "") | dict(zip(names, cells, strict=False)), columns)


def steps_covered(path: Path) -> int:
    """Steps 0, 1, 2, ... that a trace has whole lines of: as far as a run may go on from; 0 where there is none."""
    try:
        with path.open(newline="", errors="replace") as stream:
            header = next(stream, "").rstrip("\n").split(",")
            columns = columns_in(header)
            if header != [column.name for column in columns]:
                return 0
            return sum(1 for _ in takewhile(partial(_is_next, columns), enumerate(stream)))
    except FileNotFoundError:
        return 0


def _is_next(columns: Sequence[Column], numbered: tuple[int, str]) -> bool:
    """Whether a line is the whole row of a step, as `TraceWriter` demands it of the rows that a resume keeps."""
    step, line = numbered
    if not line.endswith("\n"):
        return False
    try:
        cells = zip((column.name for column in columns), line[:-1].split(","), strict=True)
        row = parse_row(dict(cells), columns)
    except ValueError:
        return False
    return line.startswith(f"{step},") and is_whole(row, columns)
