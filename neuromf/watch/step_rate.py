"""How long a step takes, by the times that the run recorded, or as it is seen to go on; never by the dates of files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from neuromf.training.pace import Mark, seconds_per_step

LOOKS = 30
"""Looks over which a speed that was watched is averaged."""
ENOUGH = 5
"""Steps that must have been watched before they tell a speed."""


class StepRate:
    """The speed of a run, and its newest sign of life, while it is watched."""

    def __init__(self) -> None:
        self._seen: deque[Mark] = deque(maxlen=LOOKS)
        self.grew: float | None = None
        """When it was seen to have gone on since an earlier look, seconds since 1970; None where it was not."""

    def see(self, step: int, marks: Sequence[Mark], *, restarted: bool, now: float | None = None) -> float | None:
        """Seconds a step: as recorded, else as watched; None where neither tells.

        Args:
            step: optimiser steps recorded.
            marks: of the run.
            restarted: the run went back to a checkpoint since the last look.
            now: seconds since 1970, by the clock where none is given.
        """
        now = time.time() if now is None else now
        if restarted:
            self._seen.clear()
        if not self._seen or step > self._seen[-1].step:
            self.grew = now if self._seen or restarted else None
            self._seen.append(Mark(0, step, now))
        watched = [self._seen[0], self._seen[-1]]
        told = seconds_per_step(marks)
        if told is None and watched[1].step - watched[0].step >= ENOUGH:
            return seconds_per_step(watched)
        return told
