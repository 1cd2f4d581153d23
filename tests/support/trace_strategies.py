"""Traces for tests of the comparator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from neuromf.comparison.table import Numbers, TraceTable, table_from_frame
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


def table_with(table: TraceTable, cells: Mapping[tuple[int, str], object]) -> TraceTable:
    """The same trace with some cells, by step and column, replaced; None empties one."""
    texts = {name: column.copy() for name, column in table.texts.items()}
    numbers = {name: Numbers(column.values.copy(), column.empty.copy()) for name, column in table.numbers.items()}
    for (step, name), value in cells.items():
        if name in texts:
            texts[name][step] = value
            continue
        numbers[name].empty[step] = value is None
        numbers[name].values[step] = 0 if value is None else float(str(value))
    return TraceTable(table.columns, texts, numbers)


def moved_cells(table: TraceTable, step: int, columns: tuple[str, ...]) -> dict[tuple[int, str], object]:
    """Other values for some cells of a step."""
    return {
        (step, name): "other" if name in table.texts else 1.5 * float(table.numbers[name].values[step])
        for name in columns
    }
