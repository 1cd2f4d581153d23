"""The job script of a training that SLURM may interrupt and queue again."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuromf.launch.options import NOTHING_ADDED, UserOptions
from neuromf.launch.resources import JobResources
from neuromf.launch.script import BODY

SAVING_S = 120
"""Seconds before the time limit at which SLURM signals the job to save: torchrun gives its processes 30."""
MOST_IDLE = 2
"""Turns in a row that may get no further: the first may have come too late to a node, the second has a reason."""
UNFINISHED = (os.EX_TEMPFAIL, 128 + signal.SIGUSR1)
"""Exit codes of a training that a signal ended: with a checkpoint, or before it listened."""
TORCHRUN_FAILED = 1
"""What torchrun makes of every code of its processes. A run that was halted refuses to go on in the next turn."""


@dataclass(frozen=True, kw_only=True)
class SlurmJob:
    """One training as a SLURM job.

    Attributes:
        cwd: folder in which the launch was typed, from which the configuration's relative paths count.
        run: folder of the run.
        folder: where configuration, ticket and log of the launch lie.
        gpus: GPUs of the job, each with a process; without any the training has one process on the CPU.
        minutes: time limit of each turn.
        partition: where it is queued; None leaves that to the cluster.
        resources: cores and memory; None leaves them to the cluster.
        options: further options of `sbatch`, as typed there; they replace ours.
    """

    cwd: Path
    run: Path
    folder: Path
    gpus: int
    minutes: int
    partition: str | None = None
    resources: JobResources | None = None
    options: UserOptions = NOTHING_ADDED

    @property
    def config(self) -> Path:
        """Every key of the configuration that was judged."""
        return self.folder / "config.yaml"

    @property
    def ticket(self) -> Path:
        """The gate's verdict."""
        return self.folder / "ticket.json"

    @property
    def script(self) -> Path:
        """What `sbatch` is given."""
        return self.folder / "job.sh"

    def text(self) -> str:
        """The script: options, then a training that saves when its time is up and is queued again."""
        body = BODY.format(
            cwd=_quoted(self.cwd),
            run=_quoted(self.run),
            folder=_quoted(self.folder),
            command=self.command(),
            each_turn=self.each_turn(),
            unfinished="|".join(map(str, (*UNFINISHED, *([TORCHRUN_FAILED] if self.gpus > 1 else [])))),
            requeues=int(self.options.requeues),
            most_idle=MOST_IDLE,
        )
        return "\n".join(["#!/bin/bash", *(f"#SBATCH {option}" for option in self._sbatch_options()), body])

    def command(self) -> str:
        """What trains, save for the run's folder; it demands the device that the job asks for."""
        launcher: list[str] = []
        if self.gpus > 1:
            launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.gpus}"]
            launcher += ["--signals-to-handle", "SIGTERM,SIGUSR1"]
        work = ["-m", "neuromf", *self.action(), "--device", "cuda" if self.gpus else "cpu"]
        return shlex.join([sys.executable, *launcher, *work])

    def action(self) -> list[str]:
        """What each of the job's processes does."""
        return ["train", str(self.config), "--ticket", str(self.ticket)]

    def each_turn(self) -> str:
        """What it is told besides, in the script's own words."""
        return '--out "$run" --progress "$progress" $resume'

    def _sbatch_options(self) -> list[str]:
        kept = [(name, value) for name, value in self._ours() if name not in self.options.replaced]
        return [*(f"--{name}" if value is None else f"--{name}={value}" for name, value in kept), *self.options.lines]

    def _ours(self) -> Iterator[tuple[str, str | None]]:
        """Our options of `sbatch`, by name."""
        escaped = str(self.folder).replace("%", "%%")  # sbatch puts the job's number and more in such a place
        yield "job-name", _told(self.run.name)
        yield "output", _told(f"{escaped}/%j.log")
        yield "open-mode", "append"
        yield "nodes", "1"
        yield "ntasks", "1"
        yield "time", str(self.minutes)
        yield "requeue", None
        yield "signal", f"B:USR1@{SAVING_S}"
        if self.gpus:
            yield "gpus-per-node", str(self.gpus)
        if self.resources is not None:
            yield "cpus-per-task", str(self.resources.cpus)
            yield "mem", f"{self.resources.memory_gib}G"
        if self.partition:
            yield "partition", _told(self.partition)


def _quoted(text: Path | str) -> str:
    return shlex.quote(str(text))


def _told(text: str) -> str:
    """A value for `sbatch`, to which a backslash is one also within quotes."""
    return shlex.quote(text).replace("\\", "\\\\")
