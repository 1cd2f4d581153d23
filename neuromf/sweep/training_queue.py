"""Runs the trainings of a sweep, so many at once, within its budget; those that die are begun again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.errors import InputError
from neuromf.sweep.jobs import Jobs, SweepCommand
from neuromf.sweep.journal import SweepJournal
from neuromf.sweep.specification import SweepFile
from neuromf.sweep.spending import SpendingRecord, Spent
from neuromf.sweep.training import SweepTraining

HALTED, IRREPRODUCIBLE, BAD_INPUT = 16, 17, 2
ATTEMPTS = 3
"""Times that a training is begun before the sweep gives up: a node may fail, a job may run out of time."""


@dataclass(frozen=True)
class SweepProgress:
    """A line of progress: a training that ended, or an arm that was dropped."""

    name: str
    what: str


OnProgress = Callable[[SweepProgress], None]


class TrainingQueue:
    """The trainings of one call of `neuromf sweep`.

    Args:
        sweep: the file, for its budget and its metric.
        out: the sweep's folder.
        jobs: what runs the commands.
        journal: keeps which were halted.
        on_progress: told of each that ended.

    Raises:
        InputError: the table of what was spent is damaged.
    """

    def __init__(self, sweep: SweepFile, out: Path, jobs: Jobs, journal: SweepJournal, on_progress: OnProgress) -> None:
        self._budget, self._metric, self._out, self._jobs = sweep.budget, sweep.metric, out, jobs
        self._journal, self._told = journal, on_progress
        self._spending = SpendingRecord(out)
        self._attempts: dict[str, int] = {}

    @property
    def spent(self) -> Spent:
        """The cost of all trainings so far."""
        return self._spending.spent

    def train(self, trainings: Sequence[SweepTraining]) -> bool:
        """Bring trainings as far as they are to go; whether the budget lasted."""
        for training in trainings:
            self._spending.settle(training)
        waiting = deque(t for t in trainings if t.done < t.steps and not self.is_halted(t))
        running: dict[str, tuple[SweepTraining, float, int]] = {}
        lasts = True
        while waiting or running:
            while waiting and len(running) < self._jobs.size and lasts:
                training = waiting[0]
                under_way = sum(left for _, _, left in running.values())
                lasts = self._spending.spent.leaves(self._budget, under_way + training.left)
                if lasts:
                    waiting.popleft()
                    running[_key(training)] = (training, time.monotonic(), training.left)
                    self._jobs.start(self._command(training))
            if not running:
                return False
            for ended in self._jobs.wait():
                training, begun, _ = running.pop(ended.key)
                self._note(training, time.monotonic() - begun, ended.code)
                if training.done < training.steps and not self.is_halted(training):
                    waiting.appendleft(training)
        return lasts

    def is_halted(self, training: SweepTraining) -> bool:
        """Whether the guard halted it."""
        return bool(self._journal.noted(training.arm, _halted(training)))

    def _command(self, training: SweepTraining) -> SweepCommand:
        key = _key(training)
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return SweepCommand(key, training.arguments(), self._log(training))

    def _log(self, training: SweepTraining) -> Path:
        return self._out / "logs" / training.arm.slug / f"seed-{training.seed}.log"

    def _note(self, training: SweepTraining, seconds: float, code: int | None) -> None:
        """Enter a training that has ended, and give up where it cannot be brought on."""
        arm, done = training.arm, training.done
        self._spending.ended(training, seconds, code)
        if code in (HALTED, IRREPRODUCIBLE):
            self._journal.note(arm, _halted(training), code)
        value = training.value(self._metric)
        found = f"{self._metric} {value:.4g}" if value is not None else f"code {code}, step {done}"
        said = f"{training.epochs} epochs in {seconds:.0f} s: {found}"
        self._told(SweepProgress(f"{arm.name}, seed {training.seed}", said))
        if done >= training.steps or code in (HALTED, IRREPRODUCIBLE):
            return
        if code == BAD_INPUT or self._attempts[_key(training)] >= ATTEMPTS:
            log = self._log(training)
            problem = (
                f"the training of '{arm.name}' with seed {training.seed} ended with code {code}: {_last_line(log)}"
            )
            raise InputError(problem, remedy="mend that, then go on with --resume", file=log)


def _key(training: SweepTraining) -> str:
    return f"{training.arm.slug}/seed-{training.seed}/{training.epochs}"


def _halted(training: SweepTraining) -> str:
    """By what the journal knows that the guard halted it."""
    return f"halted seed {training.seed}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return lines[-1][:300] if lines else "it printed nothing"
