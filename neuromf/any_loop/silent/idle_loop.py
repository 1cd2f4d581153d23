"""Steps of a loop without one of the optimiser."""

from __future__ import annotations

from neuromf.any_loop.silent import findings
from neuromf.monitor.guard.alarm import Alarm

IDLE_AT_FIRST, IDLE_STEPS, TIMES_USUAL = 200, 20, 3
"""Steps of the loop without one of the optimiser after which it is told: before its first step, after it, and at least
so many times as there usually are, for a loop that accumulates gradients may tell the guard each micro-batch."""


class IdleLoop:
    """Counts the steps of a loop since the optimiser's last."""

    def __init__(self) -> None:
        self.since_update, self.longest = 0, 0

    def updated(self) -> None:
        """The optimiser has made a step."""
        self.longest, self.since_update = max(self.longest, self.since_update), 0

    def step(self, updates: int) -> list[Alarm]:
        """The loop has made a step; an alarm where the optimiser makes none.

        Args:
            updates: steps of the optimiser so far.
        """
        self.since_update += 1
        limit = max(IDLE_STEPS, TIMES_USUAL * self.longest) if updates else IDLE_AT_FIRST
        if self.since_update > limit:
            return findings.no_update(self.since_update - 1, "the optimiser makes no step")
        return []
