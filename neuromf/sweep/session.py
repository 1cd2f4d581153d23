"""Drives a sweep: the gate for every arm, then rung by rung every seed of every arm that is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from neuromf.errors import InputError
from neuromf.sweep.admission import Admitted, admit
from neuromf.sweep.arm_record import ArmRecord, Fate
from neuromf.sweep.arms import SweepArm
from neuromf.sweep.jobs import Jobs
from neuromf.sweep.journal import SweepJournal
from neuromf.sweep.specification import SweepFile
from neuromf.sweep.spending import Spent
from neuromf.sweep.training import SweepTraining
from neuromf.sweep.training_queue import OnProgress, SweepProgress, TrainingQueue


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
        on_progress: OnProgress = lambda told: None,
    ) -> None:  # fmt: skip
        self._sweep, self._rungs, self._out, self._jobs, self._told = sweep, rungs, out, jobs, on_progress
        self.records = [ArmRecord(arm) for arm in arms]
        question = {"base": list(arms[0].layers), "arms": [arm.name for arm in arms], "seeds": list(sweep.seeds),
                    "rungs": list(rungs), "metric": sweep.metric}  # fmt: skip
        factor = sweep.halving.factor if sweep.halving is not None else 1
        self._journal = SweepJournal(out, question, arms, factor)
        self._queue = TrainingQueue(sweep, out, jobs, self._journal, on_progress)

    @property
    def spent(self) -> Spent:
        """The cost of all trainings so far."""
        return self._queue.spent

    def run(self) -> bool:
        """Train until every arm is finished, dropped or out; whether the budget lasted for that.

        Raises:
            InputError: a training was refused, or failed again and again.
        """
        alive = self._admitted()
        for rung in self._rungs:
            seeds = self._sweep.seeds
            wanted = [SweepTraining.of(self._out, one.arm, seed, rung) for one in alive for seed in seeds]
            if not self._queue.train(wanted):
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
                self._told(SweepProgress(record.arm.name, f"blocked: {verdict.reason}"))
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
                said = f"dropped after {rung} epochs, {self._sweep.metric} {record.mean:.4g}"
                self._told(SweepProgress(record.arm.name, said))
        return [record for record in left if record.fate is Fate.UNFINISHED]

    def _value(self, training: SweepTraining) -> float:
        value = None if self._queue.is_halted(training) else training.value(self._sweep.metric)
        return math.inf if value is None or math.isnan(value) else value
