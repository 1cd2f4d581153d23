"""Numbers that tell where they are from: a trace of which no two cells, levels or means are alike to four digits."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from neuromf.trace.columns import COLUMNS, Row

SEED = 18
"""Of the cells; `Places` refuses a trace in which two places have one number."""
SPREAD, APART = 1.5, 1.62
"""Largest over smallest number of a column, and ratio of the smallest numbers of two neighbouring columns."""
DIGITS = 4
"""Significant digits in which people are shown numbers."""
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")
FLOATS = tuple(column.name for column in COLUMNS if column.kind == "float")


def telling_rows(steps: int) -> list[Row]:
    """Rows of which every column has a range of its own, and a course of its own within it."""
    draw = np.random.default_rng(SEED)
    order = [draw.permutation(steps) for _ in FLOATS]
    rows: list[Row] = []
    for step in range(steps):
        cells = {
            name: 0.013 * APART**place * SPREAD ** float((order[place][step] + 0.7 * draw.uniform()) / steps)
            for place, name in enumerate(FLOATS)
        }
        rows.append({"step": step, "batch_hash": f"{step:012x}", **cells})
    return rows


def cell(row: Row, name: str) -> float:
    """A number of a row of `telling_rows`."""
    value = row[name]
    assert isinstance(value, float)
    return value


def level(rows: Sequence[Row], name: str) -> float:
    """Median of a column over some rows."""
    return statistics.median(cell(row, name) for row in rows)


Place = tuple[str, str]
"""Column, and which of its numbers: a step, a level, a mean."""


class Places:
    """Numbers by the place that they stand for.

    Args:
        known: number of each place; any two are apart in the digits that people see.
    """

    def __init__(self, known: Mapping[Place, float]) -> None:
        self._known = dict(known)
        ordered = sorted(self._known.items(), key=lambda item: item[1])
        for (place, small), (other, large) in pairwise(ordered):
            assert large - small > 10.0 ** (1 - DIGITS) * small, f"{place} and {other} look alike: {small} and {large}"

    def of(self, text: str) -> Place | None:
        """The place whose number a text shows; None where it shows none of them."""
        value = float(text.replace(",", ""))
        return next((place for place, known in self._known.items() if self._shows(value, known)), None)

    def told(self, text: str) -> list[Place | None]:
        """The places of all numbers of a text, in their order."""
        return [self.of(found) for found in NUMBER.findall(text)]

    @staticmethod
    def _shows(value: float, known: float) -> bool:
        """Within half a unit of the last digit, or as a whole number where those are shown."""
        half = 0.5 * 10.0 ** (np.floor(np.log10(known)) + 1 - DIGITS)
        return bool(abs(value - known) <= 1.01 * max(half, 0.5 if known >= 1e4 else 0.0))


def places_of(rows: Sequence[Row], names: Iterable[str], window: int) -> Places:
    """First and last cells, and the levels over the first and the last `window` steps, of some columns."""
    known: dict[Place, float] = {}
    for name in names:
        known |= {(name, "first"): cell(rows[0], name), (name, "last"): cell(rows[-1], name)}
        known |= {(name, "start"): level(rows[:window], name), (name, "recent"): level(rows[-window:], name)}
    return Places(known)
