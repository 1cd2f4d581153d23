"""Spikes that gather: a loss that is thrown up and comes back, again and again, is often the last sign before it stays.

A spike is a step far above the steps before it whose level returns within a few steps. One is nothing: a bad batch.
The kurtosis of the window says that the losses are a quiet level with rare throws, and have no long tails all along.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from neuromf.any_loop.rules.reading import LoopReading
from neuromf.any_loop.rules.words import SPIKES, warning
from neuromf.monitor.guard.alarm import Alarm

WINDOW = 60
"""Steps that are looked at."""
FEWEST = 4
"""Spikes among them that are told of."""
HEIGHT = 8.0
"""Robust standard deviations above the median from which a step is thrown."""
LEAST_RISE = math.log(2)
"""And at least so much: double the level."""
RETURN = 5
"""Steps within which a spike comes back; a loss that stays up has changed its level, which other rules judge."""
LEAST_KURTOSIS = 6.0
"""Excess over a Gaussian's. Four throws of one height in sixty steps have 10; sixty normal numbers have 0 +- 0.6, and
sixty of an exponential law 4 at most in half of all cases."""
TIMES_USUAL = 4.0
"""Multiple of the run's own number of spikes a window before that is borne."""


def excess_kurtosis(values: Sequence[float]) -> float:
    """Fourth central moment over the squared second, less 3; 0 where nothing varies."""
    mean = math.fsum(values) / len(values)
    squares = [(value - mean) ** 2 for value in values]
    second = math.fsum(squares) / len(values)
    return math.fsum(square * square for square in squares) / len(values) / second**2 - 3 if second > 0 else 0.0


class SpikeRule:
    """Counts spikes of the logarithm of a positive loss."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._spikes: deque[int] = deque()
        self._steps, self._up, self._before = 0, 0, 0

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Judge one step."""
        if not 0 < reading.raw < math.inf:
            return []
        self._steps += 1
        log = math.log(reading.raw)
        spiked = len(self._recent) == WINDOW and self._ends_spike(log)
        self._recent.append(log)
        while self._spikes and self._spikes[0] <= self._steps - WINDOW:
            self._spikes.popleft()
            self._before += 1
        if spiked:
            self._spikes.append(self._steps)
        return self._judge() if spiked and len(self._spikes) >= FEWEST else []

    def _ends_spike(self, log: float) -> bool:
        """Whether the step comes back from a throw."""
        median = statistics.median(self._recent)
        noise = 1.4826 * statistics.median(abs(value - median) for value in self._recent)
        if log - median > max(HEIGHT * noise, LEAST_RISE):
            self._up += 1
            return False
        ended, self._up = 0 < self._up <= RETURN, 0
        return ended

    def _judge(self) -> list[Alarm]:
        kurtosis = excess_kurtosis(self._recent)
        # Windows before this one; the first ones had no window to be judged by.
        windows = max(self._steps - 2 * WINDOW, WINDOW) / WINDOW
        usual = self._before / windows
        if kurtosis < LEAST_KURTOSIS or len(self._spikes) <= TIMES_USUAL * usual:
            return []
        said = f"{len(self._spikes)} spikes in {WINDOW} steps, {usual:.2g} in as many before; kurtosis {kurtosis:.1f}"
        return [warning(SPIKES, said, f"{len(self._spikes)} spikes in {WINDOW} steps", f"< {FEWEST}")]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        counts = {"steps": self._steps, "up": self._up, "before": self._before}
        return {"recent": list(self._recent), "spikes": list(self._spikes), **counts}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._recent = deque((float(value) for value in state["recent"]), maxlen=WINDOW)
        self._spikes = deque(int(step) for step in state["spikes"])
        self._steps, self._up, self._before = (int(state[name]) for name in ("steps", "up", "before"))
