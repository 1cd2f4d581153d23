"""What the trainings of a sweep have cost, a line each, and whether another one fits into its budget."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

from neuromf.errors import InputError
from neuromf.sweep.made import Made, made_since
from neuromf.sweep.specification import Budget
from neuromf.sweep.training import SweepTraining

FILE = "trainings.csv"
COLUMNS = ("arm", "seed", "epochs", "steps", "seconds", "sessions", "code")


@dataclass(frozen=True)
class Spent:
    """The cost of trainings.

    Attributes:
        steps: optimiser steps, of all that were made; a step that a kill made necessary again counts again.
        hours: by the clock, each training's added.
    """

    steps: int
    hours: float

    def leaves(self, budget: Budget, steps: int) -> bool:
        """Whether `steps` more stay within the budget; hours are asked before a training, not during it."""
        within_steps = budget.steps is None or self.steps + steps <= budget.steps
        return within_steps and (budget.hours is None or self.hours < budget.hours)


class SpendingRecord:
    """The table, to which each training adds a line.

    A line counts the sessions of its training, starts and resumes, that no line before counts: so what a training made
    while its sweep was killed is entered once the sweep goes on.

    Args:
        out: the sweep's folder.

    Raises:
        InputError: the table is damaged.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / FILE
        self._sessions: dict[tuple[str, int], int] = {}
        self.spent = Spent(0, 0.0)
        try:
            with self._path.open(newline="", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    if None not in row.values():  # a kill tore the last line
                        made = Made(int(row["sessions"]), int(row["steps"]), float(row["seconds"]))
                        self._count(row["arm"], int(row["seed"]), made)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError) as error:
            remedy = "restore it, or delete it: it is made anew from the records of the trainings"
            raise InputError(f"is damaged ({error})", remedy=remedy, file=self._path) from error

    def settle(self, training: SweepTraining) -> None:
        """Enter what a training made that no line counts, for the sweep was killed before it had ended."""
        made = self._uncounted(training)
        if made.sessions > self._sessions.get(_key(training), 0):
            self._add(training, made, None)

    def ended(self, training: SweepTraining, seconds: float, code: int | None) -> None:
        """Enter one training, or a part of it, that has ended.

        Args:
            training: which.
            seconds: that it took by the clock.
            code: its exit code, where one is known.
        """
        self._add(training, replace(self._uncounted(training), seconds=seconds), code)

    def _uncounted(self, training: SweepTraining) -> Made:
        return made_since(training.folder, self._sessions.get(_key(training), 0))

    def _add(self, training: SweepTraining, made: Made, code: int | None) -> None:
        torn = self._path.is_file() and not self._path.read_bytes().endswith(b"\n")
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if torn:
                stream.write("\n")
            if not stream.tell():
                writer.writerow(COLUMNS)
            said = "" if code is None else code
            name, seed = _key(training)
            writer.writerow((name, seed, training.epochs, made.steps, f"{made.seconds:.1f}", made.sessions, said))
        self._count(name, seed, made)

    def _count(self, arm: str, seed: int, made: Made) -> None:
        self._sessions[arm, seed] = made.sessions
        self.spent = Spent(self.spent.steps + made.steps, self.spent.hours + made.seconds / 3600)


def _key(training: SweepTraining) -> tuple[str, int]:
    return training.arm.name, training.seed
