"""A job script handed to SLURM."""

from __future__ import annotations

import shutil
import subprocess

from neuromf.errors import InputError
from neuromf.launch.job import Job


def require_sbatch() -> None:
    """Make sure that there is a scheduler to submit to.

    Raises:
        InputError: there is none here.
    """
    if shutil.which("sbatch") is None:
        raise InputError("there is no sbatch here", remedy="launch where SLURM is, or add --write-only", key="launch")


def submit(job: Job) -> str:
    """Give the script to `sbatch` and return the job's number.

    Raises:
        InputError: the scheduler refuses it.
    """
    ended = subprocess.run(
        ["sbatch", "--parsable", str(job.script)], capture_output=True, text=True, check=False, errors="replace"
    )
    if ended.returncode:
        said = (ended.stderr.strip() or "no reason given").splitlines()[0]
        raise InputError(f"sbatch refuses the job: {said}", remedy="correct the options and launch again", key="launch")
    return ended.stdout.strip().partition(";")[0]
