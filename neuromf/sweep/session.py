"""Drives a sweep: the gate for every arm, then rung by rung every seed of every arm that is left."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from neuromf.errors import InputError
from neuromf.sweep.admission import Admitted, admit
from neuromf.sweep.arms import SweepArm
from neuromf.sweep.jobs import Jobs, SweepCommand
from neuromf.sweep.journal import SweepJournal
from neuromf.sweep.specification import SweepFile
from neuromf.sweep.spending import SpendingRecord, Spent
from neuromf.sweep.training import SweepTraining

HALTED, IRREPRODUCIBLE, BAD_INPUT = 16, 17, 2
ATTEMPTS = 3
"""Times that a training is begun before the sweep gives up: a node may fail, a job may run out of time."""


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


@dataclass(frozen=True)
class Told:
    """A line of progress: a training that ended, or an arm that was dropped."""

    name: str
    what: str


class SweepSession:
    """One call of `neuromf sweep`.

    Args:
        sweep: the file.
        arms: of `arms_of`; the first is the base.
        rungs: epochs after which arms are compared.
        out: the sweep's folder.
        jobs: what runs the commands.
        on_progress: told of each training.
    """

    def __init__(
        self, sweep: SweepFile, arms: Sequence[SweepArm], rungs: Sequence[int], out: Path, jobs: Jobs,
        on_progress: Callable[[Told], None] = lambda told: None,
    ) -> None:  # fmt: skip
        self._sweep, self._rungs, self._out, self._jobs, self._told = sweep, rungs, out, jobs, on_progress
        self.records = [ArmRecord(arm) for arm in arms]
        question = {"base": list(arms[0].layers), "arms": [arm.name for arm in arms], "seeds": list(sweep.seeds),
                    "rungs": list(rungs), "metric": sweep.metric}  # fmt: skip
        factor = sweep.halving.factor if sweep.halving is not None else 1
        self._journal = SweepJournal(out, question, arms, factor)
        self._spending = SpendingRecord(out)
        self._attempts: dict[str, int] = {}

    @property
    def spent(self) -> Spent:
        """The cost of all trainings so far."""
        return self._spending.spent

    def run(self) -> bool:
        """Train until every arm is finished, dropped or out; whether the budget lasted for that.

        Raises:
            InputError: a training was refused, or failed again and again.
        """
        alive = self._admitted()
        for rung in self._rungs:
            if not self._train([SweepTraining.of(self._out, one.arm, seed, rung) for one in alive
                                for seed in self._sweep.seeds]):  # fmt: skip
                return False
            alive = self._judged(alive, rung)
        for record in self.records:
            whole = record.fate is Fate.FINISHED
            self._journal.end(record.arm, record.mean if whole else None)
        return True

    def _admitted(self) -> list[ArmRecord]:
        """Those that the gate lets through."""
        verdicts: dict[int, Admitted] = admit(
            [record.arm for record in self.records], self._sweep.gate, self._out, self._jobs, self._journal
        )
        for record in self.records:
            verdict = verdicts[record.arm.number]
            if not verdict.passed:
                record.fate, record.note = Fate.BLOCKED, verdict.reason
                self._told(Told(record.arm.name, f"blocked: {verdict.reason}"))
        if self.records[0].fate is Fate.BLOCKED:
            raise InputError(f"the base is blocked ({self.records[0].note})", remedy="mend the base, and sweep then")
        return [record for record in self.records if record.fate is not Fate.BLOCKED]

    def _judged(self, alive: Sequence[ArmRecord], rung: int) -> list[ArmRecord]:
        """Those that go on from a rung that all have reached; the base always does, for all are held to it."""
        for record in alive:
            record.values[rung] = {
                seed: self._value(SweepTraining.of(self._out, record.arm, seed, rung)) for seed in self._sweep.seeds
            }
            record.epochs = rung
            broken = [seed for seed, value in record.last.items() if not math.isfinite(value)]
            if broken:
                record.fate = Fate.DIVERGED
                record.note = f"with seed {', '.join(map(str, broken))}"
            self._journal.report(record.arm, rung, record.mean)
        left = [record for record in alive if record.fate is Fate.UNFINISHED]
        if rung == self._rungs[-1]:
            for record in left:
                record.fate = Fate.FINISHED
            return []
        for record in left:
            if record.arm.number and self._journal.is_dropped(record.arm):
                record.fate = Fate.DROPPED
                self._told(
                    Told(record.arm.name, f"dropped after {rung} epochs, {self._sweep.metric} {record.mean:.4g}")
                )
        return [record for record in left if record.fate is Fate.UNFINISHED]

    def _value(self, training: SweepTraining) -> float:
        halted = self._journal.noted(training.arm, f"halted seed {training.seed}")
        value = None if halted else training.value(self._sweep.metric)
        return math.inf if value is None or math.isnan(value) else value

    def _train(self, trainings: Sequence[SweepTraining]) -> bool:
        """Bring trainings as far as they are to go; whether the budget lasted."""
        for training in trainings:
            self._spending.settle(training)
        waiting = deque(t for t in trainings if t.done < t.steps and not self._is_halted(t))
        running: dict[str, tuple[SweepTraining, float, int]] = {}
        lasts = True
        while waiting or running:
            while waiting and len(running) < self._jobs.size and lasts:
                training = waiting[0]
                under_way = sum(left for _, _, left in running.values())
                lasts = self._spending.spent.leaves(self._sweep.budget, under_way + training.left)
                if lasts:
                    waiting.popleft()
                    running[_key(training)] = (training, time.monotonic(), training.left)
                    self._jobs.start(self._command(training))
            if not running:
                return False
            for ended in self._jobs.wait():
                training, begun, _ = running.pop(ended.key)
                self._note(training, time.monotonic() - begun, ended.code)
                if training.done < training.steps and not self._is_halted(training):
                    waiting.appendleft(training)
        return lasts

    def _is_halted(self, training: SweepTraining) -> bool:
        return bool(self._journal.noted(training.arm, f"halted seed {training.seed}"))

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
            self._journal.note(arm, f"halted seed {training.seed}", code)
        value = training.value(self._sweep.metric)
        found = f"{self._sweep.metric} {value:.4g}" if value is not None else f"code {code}, step {done}"
        self._told(Told(f"{arm.name}, seed {training.seed}", f"{training.epochs} epochs in {seconds:.0f} s: {found}"))
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


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return lines[-1][:300] if lines else "it printed nothing"
