"""A loss that was well below that of predicting nothing and is above it again: what was learnt is lost."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from neuromf.any_loop.rules.reading import LoopReading
from neuromf.any_loop.rules.words import UNLEARNT, warning
from neuromf.monitor.guard.alarm import Alarm
from neuromf.monitor.guard.guard import BLOCK

LEARNT = 0.9
"""Share of the loss of predicting nothing at which something is learnt."""
FEWEST = 3
"""Levels in a row above it: a bad stretch of batches does not last for ninety steps."""


class UnlearntRule:
    """Far below the bounds of a divergence, which are multiples: a network may forget at twice its best loss.

    Args:
        nothing: expected raw loss of predicting nothing; None where it is not known, and nothing is said.
    """

    def __init__(self, nothing: float | None) -> None:
        self._nothing = nothing
        self._block: list[float] = []
        self._best, self._above = math.inf, 0

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Judge one step; a loss that is not finite is no level."""
        if self._nothing is None or not math.isfinite(reading.raw):
            return []
        self._block.append(reading.raw)
        if len(self._block) < BLOCK:
            return []
        level, self._block = statistics.median(self._block), []
        self._best = min(self._best, level)
        self._above = self._above + 1 if level > self._nothing and self._best <= LEARNT * self._nothing else 0
        if self._above < FEWEST:
            return []
        said = (
            f"the level {level:.4g} is above that of predicting nothing, {self._nothing:.4g}; it was {self._best:.4g}"
        )
        return [warning(UNLEARNT, said, f"{self._above} levels of {BLOCK} steps", f"< {FEWEST}")]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        best = None if self._best == math.inf else self._best
        return {"block": list(self._block), "best": best, "above": self._above}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._block = [float(value) for value in state["block"]]
        self._best = math.inf if state["best"] is None else float(state["best"])
        self._above = int(state["above"])
