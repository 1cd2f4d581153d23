"""A trace, whole or in part, in a few numbers: levels of a column, and the first number that is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromf.comparison.table import TraceTable, filled
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
        steps: optimiser step of each row before that number.
        columns: numbers of each column in those rows, NaN where there is none.
        stride: optimiser steps from one row to the next; above 1 where a row sums up an epoch.
        broken: that number, None when there is none.
    """

    steps: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]
    stride: int
    broken: NonFinite | None

    @property
    def stepwise(self) -> bool:
        """Whether each row is one optimiser step, so that a closed form of the step can be held against it."""
        return self.stride == 1

    @property
    def last_step(self) -> int:
        """Last optimiser step of the rows, -1 without any."""
        return int(self.steps[-1]) if len(self.steps) else -1

    @property
    def from_start(self) -> bool:
        """Whether the rows begin at step 0."""
        return len(self.steps) > 0 and self.steps[0] == 0

    def first(self, name: str) -> float | None:
        """A number of step 0; None where it has none, or the rows begin later."""
        value = float(self.columns[name][0]) if self.from_start else math.nan
        return None if math.isnan(value) else value

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Every number of a column, empty cells left out."""
        column = self.columns[name]
        known: NDArray[np.float64] = column[~np.isnan(column)]
        return known

    def values(self, name: str) -> list[float]:
        """The same as plain numbers."""
        found: list[float] = self.numbers(name).tolist()
        return found

    def levels(self, name: str) -> list[float]:
        """Medians of a column over stretches of the rows: a single step's loss has a 1/t^2 tail.

        A stretch has at least `WINDOW` steps; a shorter run is halved, as long as either half has `FEWEST`.
        """
        rows = len(self.steps)
        steps = rows * self.stride
        count = min(max(steps // WINDOW, 2 if steps >= 2 * FEWEST else 0), rows)
        if not count:
            return []
        edges = np.arange(count + 1) * rows // count
        found: list[float] = medians_between(self.columns[name], edges).tolist()
        return found


def medians_between(values: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Median of each stretch of a column, NaN left out; a stretch of nothing else has none.

    Args:
        values: the column.
        edges: where the stretches begin, rising, and where the last one ends.
    """
    lengths = np.diff(edges)
    offsets = np.arange(lengths.max())
    inside = offsets < lengths[:, None]
    cells = np.where(inside, values[np.where(inside, edges[:-1, None] + offsets, 0)], np.nan)
    cells.sort(axis=1)  # NaN goes to the end
    known = (~np.isnan(cells)).sum(axis=1)
    cells, known = cells[known > 0], known[known > 0]
    lower, upper = (cells[np.arange(len(cells)), place] for place in ((known - 1) // 2, known // 2))
    with np.errstate(over="ignore"):
        medians: NDArray[np.float64] = np.where(known % 2 == 1, upper, (lower + upper) / 2)
    return medians


def summarise(trace: Sequence[Row] | TraceTable) -> TraceSummary:
    """Cut a trace before the first number that is not finite, and see how far apart its rows are."""
    if isinstance(trace, TraceTable):
        columns = {name: filled(column) for name, column in trace.numbers.items()}
        return _summary(trace.steps, columns, _first_broken(trace))
    broken = next((found for row in trace if (found := _non_finite(row)) is not None), None)
    names = [column.name for column in columns_in(trace[0] if trace else NAMES)]
    columns = {name: np.array([_number(row, name) for row in trace], dtype=float) for name in names}
    return _summary(np.array([_step(row) for row in trace], dtype=np.int64), columns, broken)


def _summary(
    steps: NDArray[np.int64], columns: dict[str, NDArray[np.float64]], broken: NonFinite | None
) -> TraceSummary:
    whole = slice(None) if broken is None else steps < broken.step
    kept = {name: column[whole] for name, column in columns.items()}
    kept["raw_total"] = _with_total(kept)
    gaps = np.diff(steps[whole])
    return TraceSummary(steps[whole], kept, max(1, round(float(np.median(gaps)))) if len(gaps) else 1, broken)


def _with_total(columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The total loss; where only its channels are kept, it is their mean."""
    total = columns["raw_total"]
    with np.errstate(over="ignore", invalid="ignore"):
        channels = channels_in(columns)
        mean = sum(columns[channel] for channel in channels) / len(channels)
    return np.where(np.isnan(total), mean, total)


def _first_broken(trace: TraceTable) -> NonFinite | None:
    """The first number that is not finite, by step and then in causal order."""
    first: tuple[int, int] | None = None
    columns = columns_in(trace.columns)
    for place, column in enumerate(columns):
        if column.kind != "float":
            continue
        found = trace.numbers[column.name]
        broken = ~np.isfinite(found.values) & ~found.empty
        if broken.any():
            first = min(first or (len(broken), 0), (int(broken.argmax()), place))
    if first is None:
        return None
    column = columns[first[1]]
    return NonFinite(int(trace.steps[first[0]]), column, float(trace.numbers[column.name].values[first[0]]))


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


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _step(row: Row) -> int:
    step = row.get("step")
    return step if isinstance(step, int) else 0
