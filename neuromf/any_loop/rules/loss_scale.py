"""A loss of any loop as one whose ratios mean something."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from neuromf.monitor.guard.initial_ratio import WINDOW

LEAST_SHARE = 1e-3
"""Of the initial level: below it levels count as equal. A fit without remainder goes down to rounding, where its steps
part by factors of thousands, and comes back from there to what is still a perfect fit."""


class LossScale:
    """Hands a loss on to rules of ratios, with a floor, for as long as it is positive."""

    def __init__(self) -> None:
        self.signed = False
        """Whether a loss below zero has been seen: from then on no ratio means anything."""
        self._first: list[float] = []

    def admit(self, loss: float) -> float | None:
        """The loss, or the floor where it is below; None where no ratio can be taken of it.

        Args:
            loss: finite.
        """
        self.signed = self.signed or loss < 0
        if self.signed:
            return None
        if len(self._first) < WINDOW:
            if loss == 0:  # a term that is not switched on yet says nothing of the initial level
                return None
            self._first.append(loss)
            return loss
        return max(loss, LEAST_SHARE * statistics.median(self._first))

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"signed": self.signed, "first": list(self._first)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.signed, self._first = bool(state["signed"]), [float(value) for value in state["first"]]
