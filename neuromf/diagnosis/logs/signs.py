"""Evidence in a log: the signs of our own diagnosis where a log has what they need, and signs of any training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from neuromf_spec.law import Finding
from neuromf_spec.registry import law

from neuromf.diagnosis.logs.broken_numbers import BrokenNumber
from neuromf.diagnosis.logs.levels import Levels
from neuromf.diagnosis.logs.watched import Watched
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, fact, law_reading
from neuromf.diagnosis.symptoms.field import channel_signs, rate_signs
from neuromf.diagnosis.symptoms.loss import climb_signs, term_signs
from neuromf.logs.log import LogColumn, RunLog
from neuromf.logs.quantities import Recognised
from neuromf.monitor.checks.trace_summary import TraceSummary
from neuromf.monitor.guard.initial_ratio import WINDOW
from neuromf.readable import rounded
from neuromf.trace.columns import NAMES, column_named

GRADIENT, EARLY, ROSE = CalibratedRange(10, 1000), CalibratedRange(5, 50), CalibratedRange(2, 10)
"""Largest gradient norm over that of the first tenth; the log's length over where it began; a level over the best one.
These edges were set by judgement, for trainings of any kind have no common calibration: what is said shows none."""
LOST_BY = 0.5
"""Share of its peak below which a learning rate counts as decayed."""


def log_signs(
    log: RunLog, recognised: Sequence[Recognised], losses: Watched, levels: Levels | None
) -> dict[str, SignReading]:
    """Signs of a MeanFlow's log that need no configuration, by name."""
    summary = summary_of(log, recognised, losses, levels)
    signs = dict(climb_signs(summary, weighted_is_shown=True))
    signs |= dict(term_signs(summary))
    signs |= dict(rate_signs(summary)) | dict(channel_signs(summary))
    signs["weight_turns"] = fact(False, "a positive weight turns no gradient: it can hide a divergence, not cause one")
    return signs


def finding_signs(findings: Mapping[str, Finding]) -> dict[str, SignReading]:
    """Laws judged on a configuration, as signs by their id."""
    return {law_id: law_reading(law_id, law(law_id).title, finding) for law_id, finding in findings.items()}


def summary_of(log: RunLog, recognised: Sequence[Recognised], losses: Watched, levels: Levels | None) -> TraceSummary:
    """A log in the form of a trace: each row a level, NaN where the log has nothing."""
    known = {found.quantity: log.columns[found.column] for found in recognised if column_named(found.quantity)}
    if losses.loss is not None:
        known["raw_total"] = losses.loss
    if losses.shown_loss is not None and losses.shown != losses.judged:
        known.setdefault("weighted", losses.shown_loss)
    steps = np.unique(losses.loss.steps) if log.axis == "epoch" and losses.loss is not None else _steps(levels)
    columns = {name: _at(known.get(name), steps) for name in {*NAMES, *known}}
    stride = log.steps_per_epoch if log.axis == "epoch" and log.steps_per_epoch else WINDOW
    factor = stride if log.axis == "epoch" else 1
    return TraceSummary(np.round((steps + (log.axis == "epoch")) * factor).astype(np.int64), columns, stride, None)


def _steps(levels: Levels | None) -> np.ndarray:
    return np.empty(0) if levels is None else np.unique(levels.steps)


def _at(column: LogColumn | None, steps: np.ndarray) -> np.ndarray:
    """Medians of a column up to each step from the one before; NaN where it has no point there."""
    result = np.full(len(steps), np.nan)
    if column is None or not len(steps):
        return result
    edges = np.searchsorted(column.steps, np.concatenate([[-np.inf], steps]), side="right")
    for row, (first, end) in enumerate(pairwise(edges.tolist())):
        part = column.values[first:end]
        part = part[np.isfinite(part)]
        if len(part):
            result[row] = float(np.median(part))
    return result


def plain_signs(
    log: RunLog, recognised: Sequence[Recognised], levels: Levels | None, broken: Sequence[BrokenNumber], since: float
) -> Iterator[tuple[str, SignReading]]:
    """Signs of any training, of which something is wrong since a step."""
    fatal = [number for number in broken if not number.borne]
    if fatal:
        yield "non_finite", fact(True, fatal[0].says(log.axis))
    if levels is not None and len(levels.totals) > 1:
        best, last, peak = (float(f(levels.totals)) for f in (np.min, lambda totals: totals[-1], np.max))
        says = f"the loss was {rounded(peak / best, 4)} times its best level"
        yield "rose", _graded(ROSE, peak / best, says)
        if fatal:
            says = f"the last level before that is {rounded(last / best, 4)} times the best"
            yield "had_climbed", _graded(ROSE, last / best, says)
    length = log.last - log.first
    if length > 0:
        share = (since - log.first) / length
        says = f"it began after {rounded(100 * share, 2)} % of the log"
        yield "early", _graded(EARLY, 1 / max(share, 1e-3), says)
    yield from _gradient_signs(log, recognised)
    yield from _rate_signs(log, recognised, since)


def _graded(edges: CalibratedRange, value: float, says: str) -> SignReading:
    return SignReading(edges.place(value, says).points, says)


def _gradient_signs(log: RunLog, recognised: Sequence[Recognised]) -> Iterator[tuple[str, SignReading]]:
    norm = next((log.columns[found.column] for found in recognised if found.quantity == "grad_norm"), None)
    finite = norm.values[np.isfinite(norm.values)] if norm is not None else np.empty(0)
    if len(finite) > 10:
        first = float(np.median(finite[: max(len(finite) // 10, 3)]))
        times = float(finite.max()) / first if first > 0 else np.inf
        says = f"the largest gradient norm is {rounded(times, 4)} times that of the beginning"
        yield "gradient_grew", _graded(GRADIENT, times, says)
        yield "frozen", fact(not finite.any(), f"the gradient norm is {'' if not finite.any() else 'not '}0 throughout")


def _rate_signs(log: RunLog, recognised: Sequence[Recognised], since: float) -> Iterator[tuple[str, SignReading]]:
    rate = next((log.columns[found.column] for found in recognised if found.quantity == "lr"), None)
    if rate is None or not np.isfinite(rate.values).all() or not rate.values.max() > 0:
        return
    there = float(rate.values[max(int(np.searchsorted(rate.steps, since, side="right")) - 1, 0)])
    peak = float(rate.values.max())
    says = f"the learning rate was {there:.3g} when it began, {rounded(there / peak, 2)} of its largest"
    yield "at_full_rate", SignReading(1.0 if there > LOST_BY * peak else -1.0, says)
    yield "no_rate", fact(not rate.values.any(), f"the learning rate reaches {peak:.3g}")
