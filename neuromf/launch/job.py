"""The job script of a training that SLURM may interrupt and queue again."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuromf.launch.gpu_request import gpu_request
from neuromf.launch.options import NOTHING_ADDED, UserOptions, told
from neuromf.launch.processes import Processes, started
from neuromf.launch.resources import JobResources
from neuromf.launch.script import BODY
from neuromf.launch.turns import ALONE, LISTENS, TURN_BEGINS, TURN_ENDS

SAVING_S = 120
"""Seconds before the time limit at which SLURM signals the job to save."""
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
        gpus: GPUs of the whole job, each with a process; without any each node has one process on its CPU.
        nodes: nodes, which share the GPUs evenly.
        minutes: time limit of each turn.
        partition: where it is queued; None leaves that to the cluster, as for the three that follow.
        account: who pays.
        qos: quality of service.
        constraint: features that a node must have.
        gres: how GPUs are asked for, with their number on a node, and other such resources; None asks by number alone.
        resources: cores and memory of a node; None leaves them to the cluster.
        options: further options of `sbatch`, as typed there; they replace ours.
    """

    cwd: Path
    run: Path
    folder: Path
    gpus: int
    minutes: int
    nodes: int = 1
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gres: str | None = None
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
    def choice(self) -> Path:
        """What the job asks for, and where each value comes from; the job puts a copy into the run's folder."""
        return self.folder / "launch.json"

    @property
    def script(self) -> Path:
        """What `sbatch` is given."""
        return self.folder / "job.sh"

    @property
    def processes(self) -> Processes:
        """Those that train."""
        return Processes(self.nodes, max(self.gpus // self.nodes, 1))

    @property
    def notice_s(self) -> int:
        """Seconds before its time limit at which the job is told to save."""
        return SAVING_S if self.options.notice_s is None else self.options.notice_s

    def text(self) -> str:
        """The script: options, then a training that saves when its time is up and is queued again."""
        body = BODY.format(
            cwd=_quoted(self.cwd),
            run=_quoted(self.run),
            folder=_quoted(self.folder),
            grace=self.notice_s,
            begins=self.turn_begins(),
            ends=self.turn_ends(),
            command=self.command(),
            each_turn=self.each_turn(),
            listens=LISTENS if self.nodes == 1 else "",
            term="USR1" if self.nodes > 1 else "TERM",
            unfinished="|".join(map(str, (*UNFINISHED, *([TORCHRUN_FAILED] if self.processes.total > 1 else [])))),
            requeues=int(self.options.requeues),
            most_idle=MOST_IDLE,
        )
        return "\n".join(["#!/bin/bash", *(f"#SBATCH {option}" for option in self._sbatch_options()), body])

    def command(self) -> str:
        """What trains, save for the run's folder; it demands the device that the job asks for."""
        return started(self.processes, [*self.action(), "--device", "cuda" if self.gpus else "cpu"])

    def action(self) -> list[str]:
        """What each of the job's processes does."""
        return ["train", str(self.config), "--ticket", str(self.ticket)]

    def each_turn(self) -> str:
        """What it is told besides, in the script's own words."""
        return '--out "$run" --progress "$progress" $resume'

    def turn_begins(self) -> str:
        """What the script does before its process starts."""
        return f"{ALONE}\n{TURN_BEGINS}"

    def turn_ends(self) -> str:
        """What the script does when its process has ended."""
        return TURN_ENDS

    def _sbatch_options(self) -> list[str]:
        kept = [(name, value) for name, value in self._ours() if name not in self.options.replaced]
        return [*(f"--{name}" if value is None else f"--{name}={value}" for name, value in kept), *self.options.lines]

    def _ours(self) -> Iterator[tuple[str, str | None]]:
        """Our options of `sbatch`, by name."""
        escaped = str(self.folder).replace("%", "%%")  # sbatch puts the job's number and more in such a place
        yield "job-name", told(self.run.name)
        yield "output", told(f"{escaped}/%j.log")
        yield "open-mode", "append"
        yield "nodes", str(self.nodes)
        yield "ntasks", str(self.nodes)
        if self.nodes > 1:
            yield "ntasks-per-node", "1"
        yield "time", str(self.minutes)
        yield "requeue", None
        yield "signal", f"B:USR1@{SAVING_S}"
        if self.gpus and not (self.gres and gpu_request("gres", self.gres)):
            yield "gpus-per-node", str(self.gpus // self.nodes)
        if self.resources is not None:
            yield "cpus-per-task", str(self.resources.cpus)
            yield "mem", f"{self.resources.memory_gib}G"
        for name in ("partition", "account", "qos", "constraint", "gres"):
            if value := getattr(self, name):
                yield name, told(value)


def _quoted(text: Path | str) -> str:
    return shlex.quote(str(text))
