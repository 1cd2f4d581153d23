"""The whole study, or a short one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.studies.guard.longer import judge_longer
from tools.studies.guard.plan import STEPS, trainings
from tools.studies.guard.recording import recordings
from tools.studies.guard.simulate import Row, plan, simulate_all
from tools.studies.guard.store import GuardStudy, study_of
from tools.studies.guard.trainings import judge


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        runs: simulated runs of each curve and noise.
        trainings: names of the real trainings; all when empty.
        steps: of each training.
    """

    runs: int
    trainings: tuple[str, ...]
    steps: int


FULL = Size(100, (), STEPS)
QUICK = Size(1, ("healthy5", "exploding2"), 90)
"""One run of each kind, for tests."""


def run_study(
    size: Size, processes: int, recorded: Path | None = None, on_part: Callable[[int, int, str], None] | None = None
) -> GuardStudy:
    """Simulate, train and judge.

    Args:
        size: how much.
        processes: at a time.
        recorded: folder of the trainings' recordings, those found there are not trained again; None keeps none.
        on_part: called after each part with parts done, all parts and a note.
    """
    chosen = [training for training in trainings() if not size.trainings or training.name in size.trainings]
    parts, done = len(plan(size.runs)) + len(chosen), 0
    simulated: list[Row] = []
    real: list[Row] = []
    with ExitStack() as stack:
        folder = recorded or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for rows in simulate_all(size.runs, processes):
            simulated += rows
            done = _tell(on_part, done, parts, f"{rows[0]['curve']}, {rows[0]['noise']} noise")
        for training, recording in recordings(chosen, size.steps, folder, processes):
            real.append(judge(training, recording))
            done = _tell(on_part, done, parts, training.name)
    return study_of(simulated, real, judge_longer())


def _tell(on_part: Callable[[int, int, str], None] | None, done: int, parts: int, note: str) -> int:
    if on_part is not None:
        on_part(done + 1, parts, note)
    return done + 1
