"""What is known of an arm while it is trained and when the sweep is over."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from enum import StrEnum

from neuromf.sweep.arms import SweepArm


class Fate(StrEnum):
    """What became of an arm; the text is what the user reads."""

    FINISHED = "finished"
    DROPPED = "dropped"
    DIVERGED = "diverged"
    BLOCKED = "blocked"
    UNFINISHED = "unfinished"


@dataclass
class ArmRecord:
    """What is known of an arm.

    Attributes:
        arm: the arm.
        fate: what became of it.
        epochs: of the last rung at which all its seeds were judged.
        values: by epochs, the metric of each seed; infinite where the guard halted the run.
        note: why it was blocked or diverged.
    """

    arm: SweepArm
    fate: Fate = Fate.UNFINISHED
    epochs: int = 0
    values: dict[int, dict[int, float]] = field(default_factory=dict)
    note: str = ""

    @property
    def last(self) -> dict[int, float]:
        """The metric of each seed at the last rung."""
        return self.values.get(self.epochs, {})

    @property
    def mean(self) -> float:
        """Its mean over the seeds; NaN before the first rung."""
        return statistics.fmean(self.last.values()) if self.last else math.nan
