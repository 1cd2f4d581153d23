"""Objects within the objects of a log: their numbers get dotted names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

DEEPEST = 4
"""Levels of a record that are read."""
LONGEST = 64
"""Most entries of a list that are numbers of their own, such as the loss of each channel; a longer one is a picture."""


def flat_rows(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Records as a table; `{"a": {"b": 1}}` is column `a.b`, and `{"c": [1, 2]}` are columns `c.0` and `c.1`."""
    return pd.DataFrame([dict(_leaves(record)) for record in records])


def needs_flattening(rows: pd.DataFrame) -> bool:
    """Whether some cell is an object or a list."""
    texts = [rows[name] for name in rows if rows[name].dtype == object]
    return any(cells.map(lambda cell: isinstance(cell, dict | list)).any() for cells in texts)


def _leaves(value: object, name: str = "", depth: int = 0) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict) and depth < DEEPEST:
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and depth < DEEPEST and len(value) <= LONGEST:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{name}.{index}", depth + 1)
    elif isinstance(value, int | float | str | None) and name:
        # An integer of any size may stand in JSON, and no table of floats holds it.
        yield name, float(value) if isinstance(value, int) and abs(value) < 2**1000 else value
