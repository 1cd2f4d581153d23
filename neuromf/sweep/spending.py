"""What the trainings of a sweep have cost, a line each, and whether another one fits into its budget."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from neuromf.errors import InputError
from neuromf.sweep.specification import Budget

FILE = "trainings.csv"
COLUMNS = ("arm", "seed", "epochs", "steps", "seconds", "code")


@dataclass(frozen=True)
class Spent:
    """The cost of trainings.

    Attributes:
        steps: optimiser steps, of all that were made.
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

    Args:
        out: the sweep's folder.

    Raises:
        InputError: the table is damaged.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / FILE
        try:
            with self._path.open(newline="", encoding="utf-8") as stream:
                rows = [row for row in csv.DictReader(stream) if None not in row.values()]
            self.spent = Spent(
                sum(int(row["steps"]) for row in rows), sum(float(row["seconds"]) for row in rows) / 3600
            )
        except FileNotFoundError:
            self.spent = Spent(0, 0.0)
        except (OSError, ValueError, KeyError) as error:
            remedy = "restore it, or delete it and count from nothing"
            raise InputError(f"is damaged ({error})", remedy=remedy, file=self._path) from error

    def add(self, arm: str, seed: int, epochs: int, steps: int, seconds: float, code: int | None) -> None:
        """One training, or a part of it, that has ended."""
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if not stream.tell():
                writer.writerow(COLUMNS)
            writer.writerow((arm, seed, epochs, steps, f"{seconds:.1f}", "" if code is None else code))
        self.spent = Spent(self.spent.steps + steps, self.spent.hours + seconds / 3600)
