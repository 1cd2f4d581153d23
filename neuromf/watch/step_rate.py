"""Seconds per step of a run: from the times that it recorded, else from its progress between looks.

The dates of files are not used, because copying a run changes them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from neuromf.training.records.pace import Mark, seconds_per_step

LOOKS = 30
"""Looks over which an observed speed is averaged."""
ENOUGH = 5
"""Fewest steps that must have been observed to estimate a speed."""


class StepRate:
    """The speed of a run while it is watched, and when it last made progress."""

    def __init__(self) -> None:
        self._seen: deque[Mark] = deque(maxlen=LOOKS)
        self.grew: float | None = None
        """Time of the look that first saw the newest step, seconds since 1970; None until a step was added."""

    def see(self, step: int, marks: Sequence[Mark], *, restarted: bool, now: float | None = None) -> float | None:
        """Seconds per step: as recorded, else as observed; None if neither is known.

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
