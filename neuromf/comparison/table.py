"""A trace as arrays in which an empty cell is distinct from NaN."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def row(self, index: int) -> dict[str, float | int | str | None]:
        """One row, None where a cell is empty; -1 is the last."""
        cells: dict[str, float | int | str | None] = {name: str(cells[index]) for name, cells in self.texts.items()}
        for name, column in self.numbers.items():
            cells[name] = None if column.empty[index] else column.values[index].item()
        return {name: cells[name] for name in self.columns}

    def head(self, count: int) -> TraceTable:
        """The first `count` rows."""
        numbers = {name: Numbers(c.values[:count], c.empty[:count]) for name, c in self.numbers.items()}
        return TraceTable(self.columns, {name: cells[:count] for name, cells in self.texts.items()}, numbers)


def filled(column: Numbers) -> NDArray[np.float64]:
    """A column as floats, NaN where a cell is empty."""
    return (
        np.where(column.empty, np.nan, column.values) if column.empty.any() else column.values.astype(float, copy=False)
    )


def joined(parts: Sequence[TraceTable]) -> TraceTable:
    """Parts of a trace, at least one, as one."""
    whole = parts[0]
    texts = {name: np.concatenate([part.texts[name] for part in parts]) for name in whole.texts}
    numbers = {
        name: Numbers(*(np.concatenate([getattr(part.numbers[name], field) for part in parts])
                        for field in ("values", "empty")))
        for name in whole.numbers
    }  # fmt: skip
    return TraceTable(whole.columns, texts, numbers)


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
    empty = _is_empty(cells)
    filled = cells.mask(empty, "0")
    return Numbers(filled.to_numpy().astype(np.float64), empty)


def _is_empty(cells: pd.Series[str]) -> NDArray[np.bool_]:
    return (cells.isna() | (cells == "")).to_numpy()


def read_table(path: Path) -> TraceTable:
    """Read a trace as arrays, without judging its steps: that is the comparator's part.

    Raises:
        InputError: missing, empty, cut short, CRLF, a byte order mark, a foreign column, or a cell of another type.
    """
    with refused_as(path):
        check_frame(path)
        return table_from_text(path.read_bytes())


@contextmanager
def refused_as(path: Path) -> Iterator[None]:
    """Turn what pandas or the system says of a trace into one sentence.

    Raises:
        InputError: naming `path`.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"not a trace ({str(error).splitlines()[0]})", remedy=REMEDY, file=path) from error


def table_from_text(text: bytes) -> TraceTable:
    """A trace from the text of its file, or from the header and some whole rows of it.

    Raises:
        ValueError: a cell is of another type, or a row has too many.
    """
    header = text[: text.index(b"\n")]  # `partition` would copy the rows
    columns = columns_in(header.decode().split(","))
    # The comparator wants plain text.
    kinds = dtypes(columns) | {column.name: "object" for column in columns if column.kind == "text"}
    frame = _read(text, dtype=kinds, na_values=not_numbers(columns))
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes one cell more in the first row for its name
        raise ValueError(f"a row of more than {len(columns)} cells")
    words = None
    # One letter is found ten times as fast as three; a trace without `nan` or `inf` has none below its header.
    if (
        text.find(b"n", len(header)) >= 0 and b"nan" in text
    ):  # then an empty cell and a number that is none are told apart by their text
        optional = [column.name for column in columns if column.optional]
        words = _read(text, dtype=dict.fromkeys(optional, "str"), na_values={}, usecols=optional)
    texts, numbers = {}, {}
    for column in columns:
        if column.kind == "text":
            texts[column.name] = frame[column.name].to_numpy(dtype=object)
            continue
        values = frame[column.name].to_numpy()
        empty = np.zeros(len(values), dtype=bool)
        if column.optional:
            empty = np.isnan(values) if words is None else _is_empty(words[column.name])
        numbers[column.name] = Numbers(values, empty)
    return TraceTable(tuple(frame.columns), texts, numbers)


def _read(text: bytes, **options: Any) -> pd.DataFrame:  # noqa: ANN401
    """Rows under a header; a line is a row, whatever is in it."""
    lines: Any = {"lineterminator": "\n", "quoting": csv.QUOTE_NONE, "skip_blank_lines": False}
    return read_exact(io.BytesIO(text), keep_default_na=False, low_memory=False, **lines, **options)
