"""A loss on the screen that cannot move while the raw one does (law WGT-002)."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

from neuromf_spec.law import Finding

from neuromf.any_loop.rules.reading import LoopReading
from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of
from neuromf.monitor.guard.guard import BLOCK

BLOCKS = 20
"""Latest levels that are looked at."""
FEWEST = 3
RAW_MOVED = 2.0
"""Highest over lowest raw level from which the shown one should have moved too."""
SHOWN_MOVED = 0.1
"""Least share of the raw loss's movement, in logarithms: WGT-002's own 1/11, of L/(L + c) at L = 10 c."""


class ShownLossRule:
    """Compares how far the levels of both losses moved, in logarithms, where the loop tells both."""

    def __init__(self) -> None:
        self._block: list[tuple[float, float]] = []
        self._levels: deque[tuple[float, float]] = deque(maxlen=BLOCKS)

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Take one step; a loop that has one loss alone, or losses that are not positive, is not judged."""
        if reading.loss == reading.raw or not (0 < reading.loss < math.inf and 0 < reading.raw < math.inf):
            return []
        self._block.append((reading.loss, reading.raw))
        if len(self._block) < BLOCK:
            return []
        shown, raw = (statistics.median(values) for values in zip(*self._block, strict=True))
        self._block = []
        self._levels.append((shown, raw))
        return self._judge() if len(self._levels) >= FEWEST else []

    def _judge(self) -> list[Alarm]:
        shown, raw = (max(values) / min(values) for values in zip(*self._levels, strict=True))
        if raw < RAW_MOVED or math.log(shown) >= SHOWN_MOVED * math.log(raw):
            return []
        finding = Finding(
            passed=False,
            value=math.log(shown) / math.log(raw),
            bound=f">= {SHOWN_MOVED:g}",
            unit="of the raw loss's movement, in logarithms",
            detail=f"the raw loss moved {raw:.3g}-fold, the shown one {shown:.4g}-fold, to {self._levels[-1][0]:.4g}",
        )
        return [alarm_of("WGT-002", Level.WARN, finding)]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"block": [list(pair) for pair in self._block], "levels": [list(pair) for pair in self._levels]}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._block = [(float(shown), float(raw)) for shown, raw in state["block"]]
        self._levels = deque(((float(shown), float(raw)) for shown, raw in state["levels"]), maxlen=BLOCKS)
