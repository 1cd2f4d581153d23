"""How long a step takes, from the times at which files were written: a trace holds none."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from neuromf.training.checkpoint_folders import checkpoint_folders
from neuromf.training.run_folder import RunFolder

LOOKS = 30
"""Looks over which a speed that was watched is averaged."""
ENOUGH = 5
"""Steps that must have been watched before they count more than the files."""


@dataclass(frozen=True)
class Mark:
    """Optimiser steps done at a time, in seconds since 1970."""

    step: int
    time: float


def seconds_per_step(marks: Sequence[Mark]) -> float | None:
    """Duration of a step in the fastest stretch between two marks; a pause can only make a stretch slower.

    Returns:
        Seconds; None where no stretch holds a step, or the times are not in order, as in a folder that was copied.
    """
    stretches = [(b.time - a.time) / (b.step - a.step) for a, b in pairwise(marks) if b.step > a.step]
    return min((seconds for seconds in stretches if seconds > 0), default=None)


def file_marks(run: RunFolder, steps: int) -> list[Mark]:
    """What the folder tells: its creation, its checkpoints and its newest row.

    Args:
        run: the folder.
        steps: rows of its trace.
    """
    files = [(0, run.environment)]
    files += [(int(folder.name[5:]), folder / "state.json") for folder in reversed(checkpoint_folders(run.root))]
    files += [(steps, run.trace)]
    marks = []
    for step, path in files:
        try:
            marks.append(Mark(step, path.stat().st_mtime))
        except FileNotFoundError:  # not written yet, or an old checkpoint that was dropped a moment ago
            continue
    return marks


class Pace:
    """The speed of a run while it is watched."""

    def __init__(self) -> None:
        self._seen: deque[Mark] = deque(maxlen=LOOKS)

    def see(self, marks: Sequence[Mark], *, restarted: bool) -> float | None:
        """Seconds a step: as watched, else by the files; None where neither tells.

        Args:
            marks: of the folder, the newest row last.
            restarted: the run went back to a checkpoint since the last look.
        """
        if restarted:
            self._seen.clear()
        if marks and (not self._seen or marks[-1].step > self._seen[-1].step):
            self._seen.append(marks[-1])
        watched = [self._seen[0], self._seen[-1]] if self._seen else []
        if watched and watched[1].step - watched[0].step >= ENOUGH:
            return seconds_per_step(watched)
        return seconds_per_step(marks)
