"""A log's losses as levels: medians over stretches of its rows, or the epochs of a run, as the guard takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromf.diagnosis.logs.watched import Watched
from neuromf.logs.log import Axis, LogColumn
from neuromf.monitor.checks.trace_summary import medians_between
from neuromf.monitor.guard.guard import BLOCK

FEW_LEVELS, MOST_LEVELS = 40, 2000
"""Levels that a short log is cut into, and that a long one is: the guard hears each as a block of steps."""
SMALLEST = 1e-3
"""Of the first level: what lies below it counts as this. A loss that has fallen a thousandfold may be ten times
another such loss and nothing is wrong."""
AGREE = 10.0
"""Factor within which the first rows agree."""
MOST_EPOCHS = 100_000


@dataclass(frozen=True)
class Levels:
    """Levels of a run, oldest first.

    Attributes:
        steps: where each level is known, on the log's axis.
        totals: of the judged loss, above 0.
        flows: of the raw FM loss, NaN where unknown.
        meanflows: of the raw MF loss, likewise.
        shifted: whether the loss goes below 0 and is measured from its lowest level in units of its first fall.
        between: whether points that the log leaves out were put between those that it has.
    """

    steps: NDArray[np.float64]
    totals: NDArray[np.float64]
    flows: NDArray[np.float64]
    meanflows: NDArray[np.float64]
    shifted: bool = False
    between: bool = False


def levels_of(losses: Watched, axis: Axis) -> Levels | None:
    """Levels up to the first number that is not finite; None of a log without three finite losses."""
    loss = losses.loss
    if loss is None:
        return None
    broken = ~np.isfinite(loss.values)
    whole = loss.upto(float(loss.steps[broken.argmax()])) if broken.any() else loss
    if len(whole.steps) < 3:
        return None
    positive = bool((whole.values > 0).all()) or bool(np.median(whole.values) > 0 and (whole.values >= 0).all())
    if axis == "epoch":
        return _of_epochs(whole, losses, positive)
    return _of_rows(whole, losses, positive)


def _of_epochs(loss: LogColumn, losses: Watched, positive: bool) -> Levels:
    """One level an epoch; between epochs that are not recorded the logarithm runs straight."""
    first, last = float(loss.steps[0]), float(loss.steps[-1])
    count = min(int(last - first) + 1, MOST_EPOCHS)
    steps = np.linspace(first, last, max(count, 2))
    totals = _between(steps, loss) if positive else _shifted(np.interp(steps, loss.steps, loss.values))
    return Levels(
        steps,
        np.maximum(totals, SMALLEST * totals[0]),
        _between(steps, losses.flow),
        _between(steps, losses.meanflow),
        shifted=not positive,
        between=len(loss.steps) < count,
    )


def _between(steps: NDArray[np.float64], column: LogColumn | None) -> NDArray[np.float64]:
    if column is None or not (column.values > 0).any():
        return np.full(len(steps), np.nan)
    known = (column.values > 0) & np.isfinite(column.values)
    logarithms = np.interp(steps, column.steps[known], np.log(column.values[known]), left=np.nan, right=np.nan)
    with np.errstate(over="ignore"):
        return np.exp(logarithms)


def _of_rows(loss: LogColumn, losses: Watched, positive: bool) -> Levels:
    rows = len(loss.steps)
    size = max(1, min(rows // FEW_LEVELS, max(BLOCK, rows // MOST_LEVELS)))
    values = loss.values if size > 2 else _middle_of_three(loss.values)
    edges = np.append(np.arange(0, rows - size + 1, size), rows).astype(np.int64)
    known = edges[1:] - 1 if size > 2 else np.minimum(edges[1:], rows - 1)  # a middle of three needs the next row
    ends = loss.steps[known]
    totals = medians_between(values, edges)
    start = loss.steps[edges[:-1]]
    cut = np.append(start, np.inf)
    flows, meanflows = (_medians(column, cut) for column in (losses.flow, losses.meanflow))
    totals = totals if positive else _shifted(totals)
    if positive:
        totals, ends, flows, meanflows = _with_start(loss, totals, ends, flows, meanflows)
    return Levels(ends, totals, flows, meanflows, shifted=not positive)


def _with_start(
    loss: LogColumn, totals: NDArray[np.float64], ends: NDArray[np.float64], *terms: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Levels behind the very first rows: a run that explodes at once has no level of its own before that.

    The first row stands alone where the next two are more than ten times it.
    """
    first = loss.values[:3]
    alone = not float(first.max()) <= AGREE * float(first[0])
    start = float(first[0]) if alone else float(np.median(first))
    floor = max(SMALLEST * start, 1e-300)
    totals = np.maximum(np.concatenate([[start], totals]), floor)
    unknown = [np.concatenate([[np.nan], term]) for term in terms]
    return totals, np.concatenate([loss.steps[:1], ends]), *unknown


def _middle_of_three(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each number's median with its neighbours: one row alone is no level."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    middle: NDArray[np.float64] = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    middle[0], middle[-1] = np.median(values[:3]), np.median(values[-3:])
    return middle


def _medians(column: LogColumn | None, cut: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of a column between each two steps, NaN where it has no point there."""
    result = np.full(len(cut) - 1, np.nan)
    if column is None:
        return result
    finite = np.isfinite(column.values)
    steps, values = column.steps[finite], column.values[finite]
    edges = np.searchsorted(steps, cut).astype(np.int64)
    some = np.diff(edges) > 0
    if some.any():
        chosen = np.append(edges[:-1][some], edges[1:][some][-1])
        result[some] = medians_between(values, chosen)
    return result


def _shifted(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels of a loss that goes below zero, measured from the lowest: 1 there, 2 where the run began."""
    lowest = float(levels.min())
    fall = float(levels[0]) - lowest
    scale = fall if fall > 0 else max(float(np.ptp(levels)), 1e-300)
    return 1 + (levels - lowest) / scale
