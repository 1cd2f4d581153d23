"""One training of a sweep: an arm with a seed, as far as a rung."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neuromf.sweep.arms import SweepArm, run_folder
from neuromf.sweep.rungs import steps_of
from neuromf.training.checkpoints.folders import checkpoint_folders, step_of
from neuromf.training.held_out.record import read_validations

VALIDATIONS = "validation.csv"


@dataclass(frozen=True)
class SweepTraining:
    """A training as far as a rung; the same folder is gone on with at the next one.

    Attributes:
        arm: what is trained.
        seed: with which seed.
        epochs: how far.
        folder: its run.
    """

    arm: SweepArm
    seed: int
    epochs: int
    folder: Path

    @classmethod
    def of(cls, out: Path, arm: SweepArm, seed: int, epochs: int) -> SweepTraining:
        """The training in a sweep's folder."""
        return cls(arm, seed, epochs, run_folder(out, arm, seed))

    @property
    def steps(self) -> int:
        """Optimiser steps when it has come so far."""
        return steps_of(self.arm.config, self.epochs)

    @property
    def done(self) -> int:
        """Optimiser steps that its last validation saw; 0 before the first.

        Raises:
            InputError: its record is damaged.
        """
        rows = read_validations(self.folder / VALIDATIONS)
        return rows[-1].step if rows else 0

    @property
    def left(self) -> int:
        """Optimiser steps that are still to be made, from the newest checkpoint on.

        Raises:
            UnreadableError: the folder of checkpoints cannot be read.
        """
        newest = next(map(step_of, checkpoint_folders(self.folder)), 0)
        return max(self.steps - newest, 0)

    def value(self, metric: str) -> float | None:
        """What its validation at the rung says; None before it has come so far.

        Args:
            metric: column of the record.

        Raises:
            InputError: its record is damaged.
        """
        found = [row for row in read_validations(self.folder / VALIDATIONS) if row.step == self.steps]
        return float(getattr(found[0], metric)) if found else None

    def arguments(self) -> list[str]:
        """The command line, after `neuromf`, that brings it so far from wherever it is."""
        begun = self.folder.is_dir() and any(self.folder.iterdir())
        sets = [part for override in self.arm.overrides(self.seed) for part in ("--set", override)]
        return [
            "train", *self.arm.layers, *sets, "--out", str(self.folder), "--max-steps", str(self.steps),
            "--real-latents", "0", *(["--resume"] if begun else []),
        ]  # fmt: skip
