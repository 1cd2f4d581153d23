"""What a training of a sweep has made by its own records: also what it had to make again after a kill."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromf.training.records.paced_sessions import read_sessions
from neuromf.training.records.run_folder import RunFolder


@dataclass(frozen=True)
class Made:
    """Starts and resumes of a run.

    Attributes:
        sessions: number of the next one, from 0.
        steps: optimiser steps that they made.
        seconds: from the first step to the last of each.
    """

    sessions: int
    steps: int
    seconds: float


def made_since(folder: Path, session: int) -> Made:
    """What a run has made in its sessions from a number on.

    A session that was killed marked its last step some seconds earlier; the newest has a row of its trace for each
    step since.

    Args:
        folder: of the run, which need not exist.
        session: number of the first session that counts.
    """
    run = RunFolder(folder)
    found = read_sessions(run.pace)
    counted = [one for one in found if one.last.session >= session]
    if not counted:
        return Made(session, 0, 0.0)
    unmarked = max(_rows(run.trace) - counted[-1].last.step, 0)
    steps = sum(one.steps for one in counted) + unmarked
    return Made(counted[-1].last.session + 1, steps, sum(one.seconds for one in counted))


def _rows(trace: Path) -> int:
    """Whole rows of a trace, which are its steps."""
    try:
        return max(trace.read_bytes().count(b"\n") - 1, 0)
    except FileNotFoundError:
        return 0
