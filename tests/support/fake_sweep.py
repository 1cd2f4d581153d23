"""A sweep whose trainings are made up: jobs that write records of a validation and of steps, and end at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from neuromf.sweep.arms import SweepArm, arms_of
from neuromf.sweep.jobs import EndedCommand, SweepCommand
from neuromf.sweep.rungs import rungs_of, validated_every
from neuromf.sweep.session import SweepSession
from neuromf.sweep.specification import SweepFile
from neuromf.training.checkpoints.folders import checkpoint_folders, step_of
from neuromf.training.held_out.record import COLUMNS, ValidationRow, line_of
from neuromf.training.records.pace import PaceWriter

Loss = Callable[[str, int, int], float | int]
"""Of (name of the arm's folder, seed, steps): the loss, or the exit code of a training that fails, as an int."""


class FakeJobs:
    """Runs nothing: each command has ended with what `loss` says.

    Args:
        loss: what a training finds.
        size: commands at once.
    """

    def __init__(self, loss: Loss, size: int = 2) -> None:
        self.size, self._loss = size, loss
        self.started: list[SweepCommand] = []
        self._ended: list[EndedCommand] = []

    def start(self, command: SweepCommand) -> None:
        """Write what the training would have."""
        self.started.append(command)
        arguments = list(command.arguments)
        folder, steps = (
            Path(arguments[arguments.index("--out") + 1]),
            int(arguments[arguments.index("--max-steps") + 1]),
        )
        found = self._loss(folder.parent.name, int(folder.name.removeprefix("seed-")), steps)
        if isinstance(found, float):
            _write(folder, steps, found)
        self._ended.append(EndedCommand(command.key, 0 if isinstance(found, float) else found))

    def wait(self) -> list[EndedCommand]:
        """One at a time, the first begun first."""
        return [self._ended.pop(0)]

    def close(self) -> None:
        """Nothing runs."""


class GatingJobs(FakeJobs):
    """Runs whole gates too, which end with the code of their arm's number, or pass.

    Args:
        loss: what a training finds.
        size: commands at once.
        gates: exit codes by the number of an arm.
    """

    def __init__(self, loss: Loss, size: int = 2, gates: Mapping[int, int | None] | None = None) -> None:
        super().__init__(loss, size)
        self._gates, self.most_at_once = dict(gates or {}), 0

    def start(self, command: SweepCommand) -> None:
        """A gate is under way until it is waited for."""
        if command.arguments[0] != "gate":
            super().start(command)
            return
        self.started.append(command)
        self._ended.append(EndedCommand(command.key, self._gates.get(int(command.key), 0)))
        self.most_at_once = max(self.most_at_once, len(self._ended))


def _write(folder: Path, steps: int, loss: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "validation.csv"
    numbers = {name: math.nan for name in COLUMNS if name not in ("epoch", "step", "scans", "samples")}
    row = ValidationRow(epoch=steps, step=steps, scans=4, samples=8, **(numbers | {"val_mf": loss}))
    text = path.read_text(encoding="ascii") if path.exists() else ",".join(COLUMNS) + "\n"
    path.write_text(text + line_of(row), encoding="ascii")
    write_session(folder, next(map(step_of, checkpoint_folders(folder)), 0), steps)
    (folder / "checkpoints" / f"step_{steps:08d}").mkdir(parents=True, exist_ok=True)


def write_session(folder: Path, first: int, last: int, *, rows: int = 0) -> None:
    """What a start or resume records of its steps.

    Args:
        folder: the run.
        first: optimiser steps done at its beginning.
        last: and at its last mark.
        rows: whole rows of the trace.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with PaceWriter(folder / "pace.csv", first) as pace:
        pace.done(last)
    (folder / "trace.csv").write_text("step\n" + "".join(f"{step}\n" for step in range(rows)), encoding="ascii")


def make_sweep(**changes: object) -> SweepFile:
    """Three arms and the base of the smoke recipe, eight epochs long, with two seeds."""
    asked = {
        "base": ["smoke"],
        "settings": {"training.epochs": 8},
        "one_at_a_time": {"meanflow.norm_p": [0.25, 0.5, 0.75]},
        "seeds": [0, 1],
    }
    return SweepFile.model_validate(asked | changes)


def make_session(sweep: SweepFile, out: Path, jobs: FakeJobs) -> SweepSession:
    """A session in a folder that is made."""
    (out / "gates").mkdir(parents=True, exist_ok=True)
    rungs = rungs_of(sweep, arms_of(sweep, 1, "s.yaml")[0].config.training.epochs, "s.yaml")
    return SweepSession(sweep, made_arms(sweep), rungs, out, jobs)


def made_arms(sweep: SweepFile) -> list[SweepArm]:
    """Its arms."""
    rungs = rungs_of(sweep, arms_of(sweep, 1, "s.yaml")[0].config.training.epochs, "s.yaml")
    return arms_of(sweep, validated_every(rungs), "s.yaml")
