"""Edges of what a run is halted or warned of."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.cusum import HALT, WARN, Cusum, Tuning
from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss
from tests.support.edges.edge import Edge, LawsBroken

NOISE_OF_CHANGE = 1.4826 / math.sqrt(2) * 1.3
"""Standard deviation of a block over the median change between blocks: a Gaussian's, and what neighbours share."""
STOPS = (Level.HALT, Level.NONFINITE)


def guard_edges() -> Iterator[Edge]:
    """All of them."""
    yield Edge("GUARD-004", "total", lambda ratio: guarded(RawLosses(2 * ratio)), (9.0,), (11.0,))
    yield Edge("GUARD-004", "flow", lambda ratio: guarded(RawLosses(2.0, 2 * ratio), STOPS), (90.0,), (110.0,))
    yield Edge("GUARD-006", "terms", lambda ratio: guarded(RawLosses(2.0, 0.1, 0.1 * ratio)), (9.0,), (11.0,))
    yield Edge("NUM-001", "guard, loss", lambda loss: guarded(RawLosses(loss), STOPS), (2.0,), (math.inf, math.nan))
    yield Edge("NUM-001", "guard, gradient", _with_norm, (3e38,), (math.inf, math.nan))
    yield Edge("GUARD-001", "warning", lambda ratio: multiplied(ratio, Level.WARN), (9.0,), (11.0,))
    yield Edge("GUARD-001", "halt", lambda ratio: multiplied(ratio, Level.HALT), (90.0,), (110.0,))
    noise = 0.4 * NOISE_OF_CHANGE
    yield _climb("halt", HALT, 0.4, drift=math.log(10), bound=3.0)
    yield _climb("warning", WARN, 0.0, drift=0.9, bound=4.0)
    yield _climb("warning in noise", WARN, 0.4, drift=3.5 * noise, bound=12 * noise)


def guarded(losses: RawLosses, levels: tuple[Level, ...] = tuple(Level)) -> set[str]:
    """Laws that a guard whose zero predictor loses 2 tells of at some levels, in a block of steps that are alike."""
    guard = DivergenceGuard(1e9, 1e9, ZeroPredictorLoss(2.0, 2.0))
    alarms = [alarm for _ in range(BLOCK) for alarm in guard.observe(losses).alarms]
    return {alarm.law for alarm in alarms if alarm.level in levels}


def multiplied(ratio: float, level: Level) -> set[str]:
    """Laws that the review's rule tells of at a level, where the loss is `ratio` times what it was."""
    guard = DivergenceGuard(10.0, 100.0)
    verdicts = [guard.observe(RawLosses(loss)) for loss in (3.0,) * 10 + (3.0 * ratio,) * 10]
    return {alarm.law for alarm in verdicts[-1].alarms if alarm.level is level}


def _with_norm(norm: float) -> set[str]:
    return guarded(RawLosses(2.0, gradient_norm=norm))


def _climb(what: str, tuning: Tuning, change: float, *, drift: float, bound: float) -> Edge:
    """A cumulative sum in a run whose blocks differed by `change`, at a block that adds nothing to it."""
    return Edge("GUARD-005", what, _summed(tuning, change, drift), (0.9 * bound,), (1.1 * bound,))


def _summed(tuning: Tuning, change: float, drift: float) -> LawsBroken:
    def at(statistic: float) -> set[str]:
        rule = Cusum(tuning)
        rule.load_state({"recent": [0.0], "changes": [change] * 60, "blocks": 50, "minimum": 0.0, "sum": statistic})
        alarm = rule.observe(math.exp(drift))
        return set() if alarm is None else {alarm.law}

    return at
