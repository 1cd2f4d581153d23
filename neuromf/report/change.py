"""How a loss changed over a run of any length: its level at start and end, its maximum, and whether it exploded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromf.gate.result import format_value
from neuromf.monitor.guard.initial_ratio import end_window

ROSE = 2.0
"""Multiple of its start from which a loss is said to have risen that many fold."""
TOLD_APART = 1.1
"""Multiple of both ends from which a highest value says more than they do."""


@dataclass(frozen=True)
class Change:
    """How the finite values of a column moved; a level is the median over `end_window` steps.

    Attributes:
        steps: finite values.
        first: level of the first steps.
        last: level of the last, which share none with the first; the same where there is one value.
        peak: highest level.
        highest: highest single value.
        broken: whether the very last value is not finite.
    """

    steps: int
    first: float
    last: float
    peak: float
    highest: float
    broken: bool

    @property
    def ratio(self) -> float:
        """Last over first; NaN where that means nothing."""
        return self.last / self.first if self.first > 0 else np.nan

    @property
    def words(self) -> str:
        """The change as a clause."""
        broken = ", then not finite" if self.broken else ""
        if self.steps == 1:
            return f"was {format_value(self.first)} in its one {'finite ' if self.broken else ''}step{broken}"
        ends = f"{format_value(self.first)} → {format_value(self.last)}"
        # A single step of a healthy run may be far above its level: its loss has a long tail.
        telling = self.broken or not self.peak < ROSE * self.first
        beyond = telling and self.highest > TOLD_APART * max(self.first, self.last)
        highest = f", highest {format_value(self.highest)}" if beyond else ""
        return f"{self._course}, {ends}{highest}{broken}"

    @property
    def _course(self) -> str:
        if not self.first > 0:
            return "changed" if self.last != self.first else "did not move"
        if self.ratio >= ROSE:
            return f"rose {format_value(float(f'{self.ratio:.3g}'))}-fold"
        percent = 100 * abs(self.ratio - 1)
        if percent >= 0.5:
            return f"{'rose' if self.ratio > 1 else 'fell'} by {percent:.0f} %"
        return "ended where it began" if not self.peak < ROSE * self.first else "did not move"


def change_of(values: NDArray[np.float64]) -> Change | None:
    """How a column moved; None where it has no finite value.

    Args:
        values: one a step, NaN where the cell is empty.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    window = end_window(len(finite))
    with np.errstate(over="ignore"):  # the middle of two numbers near the largest float
        levels = np.median(np.lib.stride_tricks.sliding_window_view(finite, window), axis=1)
    first, last, peak = float(levels[0]), float(levels[-1]), float(levels.max())
    return Change(len(finite), first, last, peak, float(finite.max()), broken=not np.isfinite(values[-1]))
