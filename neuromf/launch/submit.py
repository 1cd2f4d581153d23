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


def submit(job: SlurmJob, after: str = "") -> str:
    """Give the script to `sbatch` and return the job's number.

    Args:
        job: what is queued.
        after: number of a job that must have ended well before.

    Raises:
        InputError: the scheduler refuses it.
    """
    kept = {name: value for name, value in os.environ.items() if name not in BREAKING}
    waiting = [f"{AFTER}:{after}", NEVER] if after else []
    ended = subprocess.run(
        ["sbatch", "--parsable", *waiting, str(job.script)],
        capture_output=True, text=True, check=False, errors="replace", env=kept,
    )  # fmt: skip
    if ended.returncode:
        said = (ended.stderr.strip() or "no reason given").splitlines()[0]
        raise InputError(f"sbatch refuses the job: {said}", remedy="correct the options and launch again", key="launch")
    return ended.stdout.strip().partition(";")[0]


def withdraw(number: str) -> None:
    """Take a job out of the queue again, as far as that can be done."""
    with suppress(OSError):
        subprocess.run(["scancel", number], capture_output=True, check=False)
