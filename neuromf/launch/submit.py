"""Submits a job script to SLURM with `sbatch`."""

from __future__ import annotations

import os
import shutil
import subprocess

from neuromf.errors import InputError
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


def submit(job: SlurmJob) -> str:
    """Give the script to `sbatch` and return the job's number.

    Raises:
        InputError: the scheduler refuses it.
    """
    kept = {name: value for name, value in os.environ.items() if name not in BREAKING}
    ended = subprocess.run(
        ["sbatch", "--parsable", str(job.script)], capture_output=True, text=True, check=False, errors="replace",
        env=kept,
    )  # fmt: skip
    if ended.returncode:
        said = (ended.stderr.strip() or "no reason given").splitlines()[0]
        raise InputError(f"sbatch refuses the job: {said}", remedy="correct the options and launch again", key="launch")
    return ended.stdout.strip().partition(";")[0]
