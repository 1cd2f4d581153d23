"""Array jobs of a SLURM cluster, through submitit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuromf.errors import InputError
from tools.bisect.fleet.fleet import Answer, Numbered
from tools.bisect.fleet.messages import answer_of, record_of, reply
from tools.bisect.oracle import Outcome, Verdict

POLL = 2.0
"""Seconds between two looks at the jobs, as the cluster's scheduler is asked for all of them at once."""


class SlurmFleet:
    """Up to `jobs` array tasks at once; the tasks of one `submit` are one array.

    Args:
        folder: what submitit writes; every node must see it.
        jobs: array tasks at once.
        minutes: limit of one of them.
        cluster: submitit's name for where they run; None for SLURM where there is one.
        poll: seconds between two looks.
    """

    def __init__(
        self, folder: Path, jobs: int, minutes: int = 60, cluster: str | None = "slurm", poll: float = POLL
    ) -> None:
        try:
            import submitit
        except ImportError as error:
            remedy = "install neuromf with the extra 'cluster'"
            raise InputError("submitit is not installed", remedy=remedy, key="--slurm") from error
        try:
            self._executor: Any = submitit.AutoExecutor(folder=folder, cluster=cluster)
        except RuntimeError as error:
            remedy = "run it where `sbatch` is, or leave out --slurm"
            raise InputError(f"no SLURM here ({error})", remedy=remedy, key="--slurm") from error
        self._executor.update_parameters(timeout_min=minutes, cpus_per_task=1, slurm_array_parallelism=jobs)
        self.size, self._poll = jobs, poll
        self._running: dict[int, Any] = {}

    def submit(self, tasks: Sequence[Numbered]) -> None:
        """Send tasks as one array."""
        if tasks:
            jobs = self._executor.map_array(reply, [record_of(numbered) for numbered in tasks])
            self._running |= {numbered.number: job for numbered, job in zip(tasks, jobs, strict=True)}

    def wait(self) -> list[Answer]:
        """Wait until a job has ended; one that failed or was pre-empted has no verdict."""
        while not (ended := [number for number, job in self._running.items() if job.done()]):
            time.sleep(self._poll)
        return [self._read(number, self._running.pop(number)) for number in ended]

    def _read(self, number: int, job: Any) -> Answer:  # noqa: ANN401
        failure = job.exception()
        if failure is None:
            return answer_of(job.result())
        says = (str(failure).strip().splitlines() or [type(failure).__name__])[-1][:200]
        return Answer(number, Outcome(Verdict.UNDECIDED, detail=f"job {job.job_id} failed: {says}"))

    def close(self) -> None:
        """Cancel what is running."""
        for job in self._running.values():
            job.cancel()
