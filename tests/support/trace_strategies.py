"""Traces for tests of the comparator."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neuromf.comparison.table import TraceTable, table_from_frame
from neuromf.trace.columns import COLUMNS

NUMBERS = tuple(column.name for column in COLUMNS if column.kind == "float")
OPTIONAL = tuple(column.name for column in COLUMNS if column.optional)


def frame_of(steps: int, seed: int = 0) -> pd.DataFrame:
    """A trace's table of numbers between 0.5 and 2, the optional columns as text, as they are read."""
    generator = np.random.default_rng(seed)
    cells: dict[str, object] = {}
    for column in COLUMNS:
        values = generator.uniform(0.5, 2.0, steps)
        if column.kind == "int":
            cells[column.name] = np.arange(steps)
        elif column.kind == "text":
            cells[column.name] = [f"{int(value * 1e9):012x}" for value in values]
        elif column.optional:
            cells[column.name] = [repr(float(value)) for value in values]
        else:
            cells[column.name] = values
    return pd.DataFrame(cells)


def with_cell(frame: pd.DataFrame, step: int, column: str, value: object) -> pd.DataFrame:
    """The same table with one cell replaced."""
    changed = frame.copy()
    if column in OPTIONAL:
        value = "" if value is None else repr(float(str(value)))
    changed.loc[step, column] = value
    return changed


def table_of(steps: int, seed: int = 0) -> TraceTable:
    """A trace as arrays."""
    return table_from_frame(frame_of(steps, seed))
