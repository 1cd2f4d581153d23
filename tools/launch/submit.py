"""A job script handed to SLURM."""

from __future__ import annotations

import subprocess

from neuromf.errors import InputError
from tools.launch.job import Job


def submit(job: Job) -> str:
    """Give the script to `sbatch` and return the job's number.

    Raises:
        InputError: there is no `sbatch`, or it refuses the job.
    """
    try:
        ended = subprocess.run(
            ["sbatch", "--parsable", str(job.script)], capture_output=True, text=True, check=False, errors="replace"
        )
    except OSError as error:
        problem = f"was not queued: sbatch cannot be run ({error.strerror})"
        raise InputError(problem, remedy="launch where SLURM is, or --write-only", file=job.script) from error
    if ended.returncode:
        said = (ended.stderr.strip() or "no reason given").splitlines()[0]
        problem = f"was not queued: sbatch says {said!r}"
        raise InputError(problem, remedy="correct the options and launch again", file=job.script)
    return ended.stdout.strip().partition(";")[0]
