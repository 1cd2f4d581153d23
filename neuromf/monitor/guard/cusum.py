r"""A cumulative sum on the logarithm of the raw loss: it sees a slow climb long before a fixed multiple does.

With x_k the log of the median loss of the k-th block of steps and b_k the smallest rolling median so far,

.. math:: S_k = \max(0,\ S_{k-1} + x_k - b_{k-1} - \delta), \qquad \text{alarm when } S_k > h.

Source: E. S. Page, Continuous inspection schemes, Biometrika 41 (1954); law GUARD-005.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from neuromf_spec.law import Finding
from neuromf_spec.laws.divergence import no_climb

from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of

GRACE = 10
"""Blocks in which no minimum is taken: a loss that is small before the net has learnt anything is no baseline."""
ROLLING = 9
"""Blocks whose median is a candidate for the minimum: the smallest of many single blocks lies below the true level."""
CLIP = 1.5
"""Most that one block may add or take: no single block raises an alarm of a bound above it."""
DIFFERENCES = 60
"""Latest block-to-block changes from which the noise is estimated."""
# Median absolute difference to standard deviation (1.4826), of a difference of two blocks (1/sqrt 2), and the part that
# neighbouring blocks have in common in the simulated runs, an autocorrelation of 0.7 of their slow part (1.3).
NOISE_OF_DIFFERENCE = 1.4826 / math.sqrt(2) * 1.3


@dataclass(frozen=True)
class Tuning:
    """Constants of one rule.

    Attributes:
        level: what its alarm is.
        drift: delta, in log units.
        bound: h, in log units.
        drift_noise: delta is at least so many standard deviations of a block.
        bound_noise: h is at least so many.
    """

    level: Level
    drift: float
    bound: float
    drift_noise: float = 0.0
    bound_noise: float = 0.0


HALT = Tuning(Level.HALT, drift=math.log(10), bound=3.0)
"""Ten times the best level is never an alarm; above it the excess adds up (`golden/guard_study/table.md`)."""
WARN = Tuning(Level.WARN, drift=0.9, bound=4.0, drift_noise=3.5, bound_noise=12.0)
"""Normalised by the run's own noise, which a fixed bound of this size would take for a climb."""


class Cusum:
    """One rule; `observe` takes a block's median raw loss."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self._recent: deque[float] = deque(maxlen=ROLLING)
        self._changes: deque[float] = deque(maxlen=DIFFERENCES)
        self._blocks, self._minimum, self._sum = 0, math.inf, 0.0

    def observe(self, raw_total: float) -> Alarm | None:
        """Judge one block of steps by its median raw loss, squared latent per dim."""
        # The smallest normal number stands for a loss of zero, whose logarithm is none.
        log = math.log(max(raw_total, 2.3e-308))
        noise = NOISE_OF_DIFFERENCE * statistics.median(self._changes) if self._changes else 0.0
        drift = max(self.tuning.drift, self.tuning.drift_noise * noise)
        bound = max(self.tuning.bound, self.tuning.bound_noise * noise)
        if self._minimum < math.inf:
            largest = max(CLIP, 3 * noise)
            self._sum = max(0.0, self._sum + min(max(log - self._minimum - drift, -largest), largest))
        finding = no_climb(statistic=self._sum, bound=bound)
        alarm = None if finding.passed else alarm_of("GUARD-005", self.tuning.level, self._told(finding, raw_total))
        self._remember(log)
        return alarm

    def _told(self, finding: Finding, raw_total: float) -> Finding:
        return replace(finding, detail=f"raw loss {raw_total:.4g}, best level {math.exp(self._minimum):.4g}")

    def _remember(self, log: float) -> None:
        if self._recent:
            self._changes.append(abs(log - self._recent[-1]))
        self._recent.append(log)
        self._blocks += 1
        if self._blocks > GRACE:
            self._minimum = min(self._minimum, statistics.median(self._recent))

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        minimum = None if self._minimum == math.inf else self._minimum
        counts = {"blocks": self._blocks, "minimum": minimum, "sum": self._sum}
        return {"recent": list(self._recent), "changes": list(self._changes), **counts}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._recent = deque((float(value) for value in state["recent"]), maxlen=ROLLING)
        self._changes = deque((float(value) for value in state["changes"]), maxlen=DIFFERENCES)
        self._blocks, self._sum = int(state["blocks"]), float(state["sum"])
        self._minimum = math.inf if state["minimum"] is None else float(state["minimum"])
