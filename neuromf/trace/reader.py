"""Read a trace back: as a checked table, or row by row."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
from pandera.errors import SchemaError, SchemaErrors

from neuromf.errors import InputError
from neuromf.trace.cells import parse_row
from neuromf.trace.columns import COLUMNS, NAMES, Row
from neuromf.trace.schema import TRACE_SCHEMA

_DTYPES = {c.name: {"int": "int64", "text": "str", "float": "float64"}[c.kind] for c in COLUMNS}
_REMEDY = "give a trace.csv that `neuromf train` wrote"


def read_trace(path: Path) -> pd.DataFrame:
    """Read a trace as a table, one row an optimiser step.

    Raises:
        InputError: missing, empty, cut short, a foreign or missing column, or steps out of order.
    """
    check_frame(path)
    try:
        table = pd.read_csv(path, dtype=_DTYPES)
        return TRACE_SCHEMA.validate(table)
    except (OSError, ValueError, SchemaError, SchemaErrors) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"not a trace ({problem})", remedy=_REMEDY, file=path) from error


def check_frame(path: Path) -> None:
    """Header and last character: what pandas would repair in silence."""
    try:
        with path.open("rb") as stream:
            header = stream.readline().decode().rstrip("\n").split(",")
            stream.seek(-1, 2)
            ending = stream.read(1)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as a trace ({error})", remedy=_REMEDY, file=path) from error
    for found, expected in zip(header, NAMES, strict=False):
        if found != expected:
            raise InputError(f"column '{found}' stands where '{expected}' belongs", remedy=_REMEDY, file=path)
    if len(header) != len(NAMES):
        raise InputError(f"{len(header)} columns instead of {len(NAMES)}", remedy=_REMEDY, file=path)
    if ending != b"\n":
        raise InputError("the last line is cut short", remedy="drop that line or resume the run", file=path)


def read_rows(path: Path) -> list[Row]:
    """The rows of a trace this process is writing; a table for analysis is `read_trace`."""
    with path.open(newline="") as stream:
        return [parse_row(cells) for cells in csv.DictReader(stream)]
