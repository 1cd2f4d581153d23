"""What a SLURM cluster's queue says of this user's jobs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable

LOOK_S = 10.0
"""Seconds between two looks at the queue, as the scheduler has others to serve."""


def queued_jobs() -> frozenset[str] | None:
    """Ids of this user's jobs that wait, run or are being ended, array tasks one by one; None without an answer."""
    # What a user has set for his own looks at the queue would hide jobs from this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}
    command = ["squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(done.stdout.split())


class FinishedJobs:
    """Finds jobs that have left the queue, at two looks in a row: the result file of a job may appear late.

    Args:
        look: ids of the jobs in the queue, None when it cannot be asked.
        every: seconds between two looks.
    """

    def __init__(self, look: Callable[[], frozenset[str] | None] = queued_jobs, every: float = LOOK_S) -> None:
        self._look, self._every = look, every
        self._missing: set[str] = set()
        self._next = 0.0

    def gone(self, jobs: Iterable[str]) -> set[str]:
        """Those of `jobs` that were missing now and the look before; none between two looks."""
        if time.monotonic() < self._next:
            return set()
        self._next = time.monotonic() + self._every
        queue = self._look()
        if queue is None:
            return set()
        before, self._missing = self._missing, set(jobs) - queue
        return before & self._missing
