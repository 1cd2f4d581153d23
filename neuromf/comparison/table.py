"""A trace as arrays in which an empty cell is distinct from NaN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuromf.errors import InputError
from neuromf.trace.columns import columns_in
from neuromf.trace.exact import read_exact
from neuromf.trace.reader import check_frame, dtypes, not_numbers

REMEDY = "give a trace.csv that `neuromf train` wrote"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: one number a step; undefined where the cell is empty.
        empty: steps whose cell is empty, because the quantity does not exist there.
    """

    values: NDArray[np.float64] | NDArray[np.int64]
    empty: NDArray[np.bool_]


@dataclass(frozen=True)
class TraceTable:
    """A trace.

    Attributes:
        columns: names in the file's order.
        texts: columns of text, one entry a step.
        numbers: columns of numbers.
    """

    columns: tuple[str, ...]
    texts: dict[str, NDArray[np.object_]]
    numbers: dict[str, Numbers]

    @property
    def steps(self) -> NDArray[np.int64]:
        """Optimiser steps, as they stand in the file."""
        return self.numbers["step"].values.astype(np.int64)

    def head(self, count: int) -> TraceTable:
        """The first `count` rows."""
        numbers = {name: Numbers(c.values[:count], c.empty[:count]) for name, c in self.numbers.items()}
        return TraceTable(self.columns, {name: cells[:count] for name, cells in self.texts.items()}, numbers)


def table_from_frame(frame: pd.DataFrame) -> TraceTable:
    """A trace from a table whose empty cells are None or blank text."""
    texts, numbers = {}, {}
    for column in columns_in(frame.columns):
        if column.name not in frame:
            continue
        cells = frame[column.name]
        if column.kind == "text":
            texts[column.name] = cells.to_numpy(dtype=object)
        elif column.optional:
            numbers[column.name] = _optional(cells)
        else:
            values = cells.to_numpy(dtype=np.int64 if column.kind == "int" else np.float64)
            numbers[column.name] = Numbers(values, np.zeros(len(values), dtype=bool))
    return TraceTable(tuple(frame.columns), texts, numbers)


def _optional(cells: pd.Series[str]) -> Numbers:
    empty = (cells.isna() | (cells == "")).to_numpy()
    filled = cells.mask(empty, "0")
    return Numbers(filled.to_numpy().astype(np.float64), empty)


def read_table(path: Path) -> TraceTable:
    """Read a trace as arrays, without judging its steps: that is the comparator's part.

    Raises:
        InputError: missing, empty, cut short, CRLF, a byte order mark, a foreign column, or a cell of another type.
    """
    columns = check_frame(path)
    # An optional column is read as text, in which an empty cell and `nan` are two things.
    optional = [column.name for column in columns if column.optional]
    numbers = {name: words for name, words in not_numbers(columns).items() if name not in optional}
    kinds = dtypes(columns) | dict.fromkeys(optional, "str")
    try:
        frame = read_exact(path, dtype=kinds, keep_default_na=False, na_values=numbers)
        return table_from_frame(frame)
    except (OSError, ValueError) as error:
        raise InputError(f"not a trace ({str(error).splitlines()[0]})", remedy=REMEDY, file=path) from error
