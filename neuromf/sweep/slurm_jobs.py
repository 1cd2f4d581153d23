"""Runs a sweep's commands as jobs of a SLURM cluster, by submitit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuromf.checkout import before_others
from neuromf.launch.queue import LOOK_S, queued_jobs
from neuromf.launch.submitit_jobs import POLL_S, SubmititCluster, WorkerResources
from neuromf.sweep.jobs import EndedCommand, SweepCommand


def run_command(arguments: Sequence[str], log: str) -> int:
    """In the job: run a command of ours and give back its exit code.

    Its input stays open, and SLURM's own signals end it with a checkpoint.
    """
    with open(log, "ab") as stream:
        line = [sys.executable, "-P", "-m", "neuromf", *arguments]
        return subprocess.run(line, stdout=stream, stderr=subprocess.STDOUT, check=False).returncode


class SlurmJobs:
    """Up to `size` jobs at once; those that an earlier call left in the queue are cancelled.

    Args:
        folder: what submitit writes; every node must see it.
        size: jobs at once.
        resources: of each.
        poll: seconds between two looks for results.
        look: seconds between two looks at the queue.

    Raises:
        InputError: no submitit, or no SLURM here.
    """

    def __init__(
        self, folder: Path, size: int, resources: WorkerResources, *, poll: float = POLL_S, look: float = LOOK_S
    ) -> None:
        self._cluster = SubmititCluster(folder, resources, before_others(), look=look)
        self.size, self._poll, self._running = size, poll, dict[str, Any]()
        self._ids = folder / "jobs.txt"
        self._cancel_left_ones()

    def _cancel_left_ones(self) -> None:
        """A sweep that was killed left its jobs, which would train beside the new ones."""
        try:
            ids = set(self._ids.read_text(encoding="ascii").split())
        except FileNotFoundError:
            return
        if left := sorted(ids & (queued_jobs() or frozenset())):
            subprocess.run(["scancel", *left], check=False, capture_output=True)

    def start(self, command: SweepCommand) -> None:
        """Queue a job.

        Raises:
            InputError: SLURM does not take it.
        """
        command.log.parent.mkdir(parents=True, exist_ok=True)
        job = self._cluster.submit(False, run_command, list(command.arguments), os.path.abspath(command.log))
        self._running[command.key] = job
        with self._ids.open("a", encoding="ascii") as stream:
            stream.write(f"{job.job_id}\n")

    def wait(self) -> list[EndedCommand]:
        """Look until a job has ended; one that left the queue without a result has no code."""
        ended = self._cluster.wait(self._running, self._poll)
        return [EndedCommand(key, self._code(self._running.pop(key))) for key in ended]

    def _code(self, job: Any) -> int | None:  # noqa: ANN401
        if not self._cluster.has_result(job):
            return None
        try:
            return int(job.result())
        except Exception:  # it failed, or its result was cut short, which may raise anything
            return None

    def close(self) -> None:
        """Cancel what is running: SLURM ends it with a signal, at which it saves."""
        for job in self._running.values():
            job.cancel(check=False)
        self._running.clear()
