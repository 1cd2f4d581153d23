"""Submits a job script to SLURM with `sbatch`."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress

from neuromf.errors import InputError
from neuromf.launch.encoding_job import AFTER, NEVER
from neuromf.launch.job import SlurmJob

BREAKING = ("SBATCH_ARRAY_INX", "SBATCH_NO_REQUEUE", "SBATCH_SIGNAL", "SBATCH_WAIT")
"""Defaults of a user's own that outweigh a script's options, and would break this one or keep the launch waiting."""


def require_sbatch() -> None:
    """Make sure that there is a scheduler to submit to.

    Raises:
        InputError: there is none here.
    """
    if shutil.which("sbatch") is None:
        raise InputError("there is no sbatch here", remedy="launch where SLURM is, or add --write-only", key="launch")


def ask_cluster(job: SlurmJob) -> None:
    """Ask whether the cluster would take a job, which is not queued: `sbatch --test-only`.

    It refuses also what it would queue while all nodes that fit are down, and takes some that a partition's limits
    will never let start.

    Raises:
        InputError: it would not take it.
    """
    ended = _sbatch(["--test-only"], job.text())
    if ended.returncode:
        problem = f"the cluster would refuse {job.script.name}: {_said(ended.stderr)}"
        remedy = "correct the options or the site file; where its nodes are only down for now, add --no-cluster-test"
        raise InputError(problem, remedy=remedy, key="launch")


def submit(job: SlurmJob, after: str = "") -> str:
    """Give the script to `sbatch` and return the job's number.

    Args:
        job: what is queued.
        after: number of a job that must have ended well before.

    Raises:
        InputError: the scheduler refuses it.
    """
    waiting = [f"{AFTER}:{after}", NEVER] if after else []
    ended = _sbatch(["--parsable", *waiting, str(job.script)])
    if ended.returncode:
        problem = f"sbatch refuses the job: {_said(ended.stderr)}"
        raise InputError(problem, remedy="correct the options and launch again", key="launch")
    return ended.stdout.strip().partition(";")[0]


def _sbatch(arguments: list[str], script: str | None = None) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in BREAKING}
    return subprocess.run(
        ["sbatch", *arguments], input=script, capture_output=True, text=True, check=False, errors="replace", env=kept
    )


def _said(errors: str) -> str:
    """The first line that is an error: a cluster may greet whoever submits before that."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    faults = [line for line in lines if "error:" in line or "failure:" in line]
    return (faults or lines or ["no reason given"])[0].removeprefix("sbatch: ").removeprefix("error: ")


def withdraw(number: str) -> None:
    """Take a job out of the queue again, as far as that can be done."""
    with suppress(OSError):
        subprocess.run(["scancel", number], capture_output=True, check=False)
