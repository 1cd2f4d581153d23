"""A loss that gets nowhere: it stays at its best, at that of predicting nothing, or does not move at all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

from neuromf.any_loop.rules.reading import LoopReading
from neuromf.any_loop.rules.words import FROZEN, NO_GRADIENT, PLATEAU, warning
from neuromf.monitor.guard.alarm import Alarm
from neuromf.monitor.guard.guard import BLOCK

NOTHING_LEARNT = 3_000
"""Steps after which a loss that is still that of predicting nothing is told of."""
SHARE_OF_NOTHING = 0.98
IMPROVEMENT = 0.01
"""Relative improvement of the best level that ends a plateau."""
STILL = 50
"""Steps with the very same number, from the first on: none of the loops that were tried keeps it for two."""


class StallRule:
    """Plateaus.

    Args:
        patience: steps without a better level after which to warn; None never does, for every good run ends so.
        nothing: expected raw loss of predicting nothing; None where it is not known.
    """

    def __init__(self, patience: int | None, nothing: float | None) -> None:
        self._patience, self._nothing = patience, nothing
        self._block: list[float] = []
        self._steps, self._best, self._best_step = 0, math.inf, 0
        self._same, self._zeros = 1, 0
        self._first: float | None = None

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Judge one step; a loss that is not finite is no level."""
        self._steps += 1
        found = [*self._frozen(reading.loss), *self._no_gradient(reading)]
        if not math.isfinite(reading.raw):
            return found
        self._block.append(reading.raw)
        if len(self._block) == BLOCK:
            level, self._block = statistics.median(self._block), []
            if self._best == math.inf or level < self._best - IMPROVEMENT * abs(self._best):
                self._best, self._best_step = level, self._steps
            found += self._plateau(level)
        return found

    def _plateau(self, level: float) -> list[Alarm]:
        waited = self._steps - self._best_step
        if self._patience is not None and waited >= self._patience:
            said = f"no better level for {waited:,} steps: loss {level:.4g}, best {self._best:.4g}"
            return [warning(PLATEAU, said, f"{waited:,} steps", f"< {self._patience:,}")]
        bound = SHARE_OF_NOTHING * self._nothing if self._nothing is not None else -math.inf
        if self._steps >= NOTHING_LEARNT and self._best > bound > 0:
            said = f"after {self._steps:,} steps the best level {self._best:.4g} is that of predicting nothing"
            return [warning(PLATEAU, f"{said}, {self._nothing:.4g}", f"{self._best:.4g}", f"<= {bound:.4g}")]
        return []

    def _frozen(self, loss: float) -> list[Alarm]:
        """The same bits from the first step on; a loss of zero may well stay there."""
        if self._first is None:
            self._first = loss
            return []
        if self._same == 0 or loss != self._first or loss == 0:
            self._same = 0
            return []
        self._same += 1
        if self._same < STILL:
            return []
        return [
            warning(
                FROZEN, f"the loss is {loss:.6g} at each of {self._same} steps", f"{self._same} steps", f"< {STILL}"
            )
        ]

    def _no_gradient(self, reading: LoopReading) -> list[Alarm]:
        if reading.grad_norm is None or reading.grad_norm != 0 or reading.raw == 0:
            self._zeros = 0
            return []
        self._zeros += 1
        if self._zeros < STILL:
            return []
        said = f"the gradient was exactly zero at {self._zeros} steps in a row, and the loss {reading.raw:.4g}"
        return [warning(NO_GRADIENT, said, f"{self._zeros} steps", f"< {STILL}")]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        best = None if self._best == math.inf else self._best
        counts = {"steps": self._steps, "best_step": self._best_step, "same": self._same, "zeros": self._zeros}
        return {"block": list(self._block), "best": best, "first": self._first, **counts}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._block = [float(value) for value in state["block"]]
        self._best = math.inf if state["best"] is None else float(state["best"])
        self._first = None if state["first"] is None else float(state["first"])
        counts = (int(state[name]) for name in ("steps", "best_step", "same", "zeros"))
        self._steps, self._best_step, self._same, self._zeros = counts
