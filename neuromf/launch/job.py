"""The job script of a training that a scheduler may interrupt and queue again."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

SAVING_S = 120
"""Seconds before the time limit at which the job is told to save: torchrun gives its processes 30."""
BODY = """\
set -u
cd {cwd} || exit
export PYTHONSAFEPATH=1  # a folder named tools there is not ours
run={run}
resume=
if [ -e "$run/config.yaml" ]; then resume=--resume; fi
out_of_time=0 asked= training=
pass_on() {{ asked=$1; [ -z "$training" ] || kill -s "$1" "$training"; }}
trap 'out_of_time=1; pass_on USR1' USR1  # before the training is there: untrapped, a signal ends this shell
trap 'pass_on TERM' TERM
{command} --out "$run" $resume &
training=$!
[ -z "$asked" ] || pass_on "$asked"
while :; do
  wait "$training"
  code=$?
  kill -0 "$training" 2>/dev/null || break  # a signal ends the waiting before the training ends
done
wait "$training" 2>/dev/null  # it may have ended between these two: its own code then, which the shell keeps
last=$?
[ "$last" = 127 ] || code=$last
if [ "$out_of_time" = 1 ]; then
  case "$code" in {unfinished}) scontrol requeue "$SLURM_JOB_ID" ;; esac
fi
exit "$code"
"""
UNFINISHED = (os.EX_TEMPFAIL, 128 + signal.SIGUSR1)
"""Exit codes of a training that a signal ended: with a checkpoint, or before it listened."""
TORCHRUN_FAILED = 1
"""What torchrun makes of every code of its processes. A run that was halted refuses to go on in the next turn."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training as a SLURM job.

    Attributes:
        cwd: folder in which the launch was typed, from which the configuration's relative paths count.
        run: folder of the run.
        folder: where configuration, ticket and log of the launch lie.
        gpus: GPUs of the job, each with a process; without any the training has one process on the CPU.
        minutes: time limit of each turn.
        partition: where it is queued; None leaves that to the cluster.
        options: further options of `sbatch`, as typed there.
    """

    cwd: Path
    run: Path
    folder: Path
    gpus: int
    minutes: int
    partition: str | None = None
    options: tuple[str, ...] = ()

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
            command=self._command(),
            unfinished="|".join(map(str, (*UNFINISHED, *([TORCHRUN_FAILED] if self.gpus > 1 else [])))),
        )
        return "\n".join(["#!/bin/bash", *(f"#SBATCH {option}" for option in self._sbatch_options()), body])

    def _sbatch_options(self) -> list[str]:
        escaped = str(self.folder).replace("%", "%%")  # sbatch puts the job's number and more in such a place
        options = [f"--job-name={_quoted(self.run.name)}", f"--output={_quoted(f'{escaped}/%j.log')}"]
        options += ["--open-mode=append", "--nodes=1", "--ntasks=1", f"--time={self.minutes}"]
        options += ["--requeue", f"--signal=B:USR1@{SAVING_S}"]
        options += [f"--gpus-per-node={self.gpus}"] if self.gpus else []
        options += [f"--partition={_quoted(self.partition)}"] if self.partition else []
        return [*options, *self.options]

    def _command(self) -> str:
        launcher: list[str] = []
        if self.gpus > 1:
            launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.gpus}"]
            launcher += ["--signals-to-handle", "SIGTERM,SIGUSR1"]
        train = ["-m", "neuromf", "train", str(self.config), "--ticket", str(self.ticket)]
        return shlex.join([sys.executable, *launcher, *train])


def _quoted(text: Path | str) -> str:
    return shlex.quote(str(text))
