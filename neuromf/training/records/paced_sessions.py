"""Starts and resumes of a run by its record of times, with the steps that each made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromf.training.records.pace import Mark, mark_in


@dataclass(frozen=True)
class PacedSession:
    """One start or resume of a run: the optimiser steps and seconds from its first mark to its last."""

    first: Mark
    last: Mark

    @property
    def steps(self) -> int:
        """Steps that it made, also those that a later one made again."""
        return max(self.last.step - self.first.step, 0)

    @property
    def seconds(self) -> float:
        """Its duration; 0 where the clock was set back."""
        return max(self.last.seconds - self.first.seconds, 0.0)


def read_sessions(path: Path) -> list[PacedSession]:
    """All starts and resumes of a run, in their order; none where it recorded none. Torn lines are passed over."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    found: dict[int, PacedSession] = {}
    for mark in filter(None, map(mark_in, lines)):
        found[mark.session] = PacedSession(found[mark.session].first if mark.session in found else mark, mark)
    return [found[number] for number in sorted(found)]
