"""A trace, whole or in part, in a few numbers: levels of a column, and the first number that is not finite."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.monitor.guard.initial_ratio import WINDOW
from neuromf.trace.columns import COLUMNS, NAMES, Column, Row, channels_in, columns_in

STEP_STAGES = {"schedule", "times", "optimiser", "ema"}
"""Stages whose numbers have a closed form by the step, which a mean or median over steps does not keep to."""


FEWEST = 3
"""Steps of which the median bears one outlier. Halves of so many steps part by 2.9 at most anywhere in the golden
cases, below where `loss_signs.CLIMB` begins to count."""


@dataclass(frozen=True)
class NonFinite:
    """The first number of a trace that is not finite, in causal order: where it is and what it is."""

    step: int
    column: Column
    value: float


@dataclass(frozen=True)
class TraceSummary:
    """A trace up to its first number that is not finite.

    Attributes:
        rows: rows before it.
        stride: optimiser steps from one row to the next; above 1 where a row sums up an epoch.
        broken: that number, None when there is none.
    """

    rows: tuple[Row, ...]
    stride: int
    broken: NonFinite | None

    @property
    def stepwise(self) -> bool:
        """Whether each row is one optimiser step, so that a closed form of the step can be held against it."""
        return self.stride == 1

    @property
    def last_step(self) -> int:
        """Last optimiser step of the rows, -1 without any."""
        return _step(self.rows[-1]) if self.rows else -1

    def first_row(self) -> Row | None:
        """The row of step 0, None when the rows begin later."""
        return self.rows[0] if self.rows and _step(self.rows[0]) == 0 else None

    def values(self, name: str) -> list[float]:
        """Every number of a column, empty cells left out."""
        found = (cell(row, name) for row in self.rows)
        return [value for value in found if value is not None]

    def levels(self, name: str) -> list[float]:
        """Medians of a column over stretches of the rows: a single step's loss has a 1/t^2 tail.

        A stretch has at least `WINDOW` steps; a shorter run is halved, as long as either half has `FEWEST`.
        """
        steps = len(self.rows) * self.stride
        count = min(max(steps // WINDOW, 2 if steps >= 2 * FEWEST else 0), len(self.rows))
        edges = [index * len(self.rows) // count for index in range(count + 1)] if count else []
        blocks = [[cell(row, name) for row in self.rows[low:high]] for low, high in pairwise(edges)]
        filled = [[value for value in block if value is not None] for block in blocks]
        return [statistics.median(block) for block in filled if block]


def summarise(rows: Sequence[Row]) -> TraceSummary:
    """Cut `rows` before the first number that is not finite, and see how far apart they are."""
    broken = next((found for row in rows if (found := _non_finite(row)) is not None), None)
    whole = rows if broken is None else [row for row in rows if _step(row) < broken.step]
    gaps = [_step(after) - _step(before) for before, after in pairwise(whole)]
    return TraceSummary(tuple(whole), max(1, round(statistics.median(gaps))) if gaps else 1, broken)


def cell(row: Row, name: str) -> float | None:
    """A number of a row, None where it has none; the total, where only its channels are kept, is their mean."""
    value = row.get(name)
    if isinstance(value, int | float):
        return float(value)
    if name != "raw_total":
        return None
    channels = [cell(row, channel) for channel in channels_in(row)]
    known = [channel for channel in channels if channel is not None]
    return sum(known) / len(known) if known and len(known) == len(channels) else None  # fmean raises at infinite sums


def fm_count(share: float, samples: int) -> float:
    """Samples with r = t, by their share as a trace records it; a share that is not finite stays so, and fails."""
    count = share * samples
    return round(count) if math.isfinite(count) else count


def epoch_rows(config: Config, records: Iterable[Mapping[str, float]]) -> list[Row]:
    """Rows of a curve of which only some columns, and only some epochs, were kept.

    Args:
        config: the run; its epochs have so many steps.
        records: `epoch`, from 0, and columns of a trace by name; those of a single step are left out.
    """
    steps_per_epoch = run_facts(config).steps_per_epoch
    kept = {column.name for column in COLUMNS if column.stage not in STEP_STAGES}
    rows: list[Row] = []
    for record in records:
        row: dict[str, object] = dict.fromkeys(NAMES)
        row |= {name: float(value) for name, value in record.items() if name in kept}
        row["step"] = round((record["epoch"] + 1) * steps_per_epoch) - 1
        rows.append(row)
    return rows


def _non_finite(row: Row) -> NonFinite | None:
    for column in columns_in(row):
        value = row.get(column.name)
        if isinstance(value, float) and not math.isfinite(value):
            return NonFinite(_step(row), column, value)
    return None


def _step(row: Row) -> int:
    step = row.get("step")
    return step if isinstance(step, int) else 0
