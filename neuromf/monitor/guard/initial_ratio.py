"""The review's rule, section 3.4: warn at 10 x, halt at 100 x the initial raw loss (law GUARD-001)."""

from __future__ import annotations

import statistics
from collections import deque
from typing import Any

from neuromf.monitor.guard.alarm import Alarm, Level

WINDOW = 10
"""Steps whose median is one level. A single step's loss has a 1/t^2 tail: one draw in 6,000 is 100 times the median."""


def end_window(steps: int) -> int:
    """Steps that make the first or the last level of so many: half of a short run, so that no step is in both."""
    return max(1, min(WINDOW, steps // 2))


class InitialRatio:
    """Compares the median raw loss of the last steps with that of the first.

    Args:
        warn_ratio: multiple of the initial level at which to warn.
        halt_ratio: multiple at which to halt; None never halts.
        floor: least initial level, so that a small first draw does not make a healthy run look exploded.
    """

    def __init__(self, warn_ratio: float, halt_ratio: float | None, floor: float = 0.0) -> None:
        self.warn_ratio, self.halt_ratio, self.floor = warn_ratio, halt_ratio, floor
        self._first: list[float] = []
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._initial: float | None = None

    def observe(self, raw_total: float) -> Alarm | None:
        """Judge one step by its raw loss, squared latent per dim."""
        self._recent.append(raw_total)
        if len(self._first) < WINDOW:
            self._first.append(raw_total)
            return None
        if self._initial is None:
            self._initial = max(statistics.median(self._first), self.floor)
        initial = self._initial
        present = statistics.median(self._recent)
        ratio = present / initial
        # `not <=` so that a NaN ratio alarms.
        if self.halt_ratio is not None and not ratio <= self.halt_ratio:
            return _alarm(Level.HALT, present, initial, self.halt_ratio)
        return None if ratio <= self.warn_ratio else _alarm(Level.WARN, present, initial, self.warn_ratio)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold for the rule to go on as if it had not stopped."""
        return {"first": list(self._first), "recent": list(self._recent)}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._first = [float(value) for value in state["first"]]
        self._recent = deque((float(value) for value in state["recent"]), maxlen=WINDOW)
        self._initial = None


def _alarm(level: Level, present: float, initial: float, bound: float) -> Alarm:
    ratio = present / initial
    message = f"raw loss {present:.4g} is {ratio:.3g} times its initial level {initial:.4g}, bound {bound:g}"
    return Alarm("GUARD-001", level, f"{ratio:.4g} x initial raw loss", f"<= {bound:g}", message)
