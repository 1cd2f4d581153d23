r"""A climb of a loss that can be negative, as a log-likelihood is: measured in units of what it had fallen before.

With x_k the median of the k-th block of steps, x_0 the first and b_k the least before it, the height is

.. math:: h_k = (x_k - b_k) / \max(x_0 - b_k,\ 6 s_k),

s_k the usual change from block to block: a loss that has hardly fallen yet is measured by its noise.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

from neuromf_spec.law import Finding

from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of
from neuromf.monitor.guard.cusum import DIFFERENCES
from neuromf.monitor.guard.guard import BLOCK

NOISES = 6.0
"""Usual changes of a block that stand for a fall where there was none."""
FEWEST = 5
"""Blocks before the first judgement, so that a usual change is known."""


class SignedClimb:
    """One rule; takes every step, and says something at the end of a block where it is asked to.

    Args:
        warn_ratio: height at which to warn.
        halt_ratio: height at which to stop, None for never.
    """

    def __init__(self, warn_ratio: float, halt_ratio: float | None) -> None:
        self._warn, self._halt = warn_ratio, halt_ratio
        self._block: list[float] = []
        self._levels = 0
        self._first = self._least = self._last = 0.0
        self._changes: deque[float] = deque(maxlen=DIFFERENCES)

    def observe(self, loss: float, *, judged: bool) -> list[Alarm]:
        """Take one loss; judge the block that it ends where `judged`."""
        self._block.append(loss)
        if len(self._block) < BLOCK:
            return []
        level, self._block = statistics.median(self._block), []
        found = self._judge(level) if judged and self._levels >= FEWEST else []
        self._remember(level)
        return found

    def _judge(self, level: float) -> list[Alarm]:
        unit = max(self._first - self._least, NOISES * statistics.median(self._changes))
        if level <= self._least or not unit > 0:
            return []
        height = (level - self._least) / unit
        for bound, kind in ((self._halt, Level.HALT), (self._warn, Level.WARN)):
            if bound is not None and not height <= bound:
                detail = f"loss {level:.4g}, best level {self._least:.4g}, first {self._first:.4g}"
                finding = Finding(
                    passed=False, value=height, bound=f"<= {bound:g}", unit="x its own fall above the best level",
                    detail=detail,
                )  # fmt: skip
                return [alarm_of("GUARD-005", kind, finding)]
        return []

    def _remember(self, level: float) -> None:
        if not self._levels:
            self._first = self._least = level
        else:
            self._changes.append(abs(level - self._last))
        self._least, self._last = min(self._least, level), level
        self._levels += 1

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        levels = {"levels": self._levels, "first": self._first, "least": self._least, "last": self._last}
        return {"block": list(self._block), "changes": list(self._changes), **levels}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._block = [float(value) for value in state["block"]]
        self._changes = deque((float(value) for value in state["changes"]), maxlen=DIFFERENCES)
        self._levels = int(state["levels"])
        self._first, self._least, self._last = (float(state[name]) for name in ("first", "least", "last"))
