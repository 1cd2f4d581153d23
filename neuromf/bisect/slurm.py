"""Probes as array jobs on a SLURM cluster."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from neuromf.bisect.executor import Answer, IndexedTask, answer_of, record_of, reply, worker_environment
from neuromf.bisect.oracle import ProbeOutcome, ProbeVerdict
from neuromf.errors import InputError
from neuromf.launch.queue import LOOK_S
from neuromf.launch.submitit_jobs import POLL_S, SubmititCluster, WorkerResources, last_line

DEFAULT = WorkerResources()
WARNING = signal.SIGUSR2
"""What submitit has SLURM send shortly before it kills a job. Its own handler raises a RuntimeError, which an oracle
would take for torch's and call the mixture untestable."""


class _TimeUp(BaseException):
    """Not an Exception, so that no handler in a training catches it."""


def answer_in_job(record: dict[str, Any]) -> dict[str, Any]:
    """Answer a task's record; no verdict when SLURM is about to end the job."""
    before = signal.signal(WARNING, _raise)
    try:
        return reply(record)
    except _TimeUp:
        outcome = ProbeOutcome(
            ProbeVerdict.UNDECIDED, detail="SLURM was about to end its job, at its time limit or for another"
        )
        return {"number": record["number"], "outcome": asdict(outcome)}
    finally:
        signal.signal(WARNING, before)


def _raise(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _TimeUp


class SlurmExecutor:
    """Up to `jobs` jobs at once; the tasks of one `submit` are one array.

    Args:
        folder: what submitit writes; every node must see it.
        jobs: jobs at once.
        resources: of each job.
        cluster: submitit's name for where they run.
        poll: seconds between two looks for results.
        look: seconds between two looks at the queue.

    Raises:
        InputError: no submitit, or no SLURM here.
    """

    def __init__(
        self, folder: Path, jobs: int, resources: WorkerResources = DEFAULT, cluster: str = "slurm",
        poll: float = POLL_S, look: float = LOOK_S,
    ) -> None:  # fmt: skip
        self._cluster = SubmititCluster(
            folder, resources, worker_environment(), cluster=cluster, look=look, slurm_array_parallelism=jobs
        )
        self.size, self._poll = jobs, poll
        self._running: dict[int, Any] = {}

    def submit(self, tasks: Sequence[IndexedTask]) -> None:
        """Send tasks as one array.

        Raises:
            InputError: SLURM does not take them.
        """
        if not tasks:
            return
        jobs = self._cluster.submit(True, answer_in_job, [record_of(indexed) for indexed in tasks])
        self._running |= {indexed.number: job for indexed, job in zip(tasks, jobs, strict=True)}

    def wait(self) -> list[Answer]:
        """Wait until a job has ended; one that failed, was cancelled or ran out of time has no verdict."""
        ended = self._cluster.wait(self._running, self._poll)
        return [self._read(number, self._running.pop(number)) for number in ended]

    def _read(self, number: int, job: Any) -> Answer:  # noqa: ANN401
        if not self._cluster.has_result(job):
            log = (job.stderr() or "").strip().splitlines()
            says = f"left the queue without a result{f' ({log[-1][:200]})' if log else ''}"
        else:
            try:
                failure = job.exception()
                if failure is None:
                    return answer_of(job.result())
                says = f"failed: {last_line(failure)}"
            except InputError:
                raise  # the job was refused
            except Exception as error:  # a pickle that was cut short may raise anything
                says = f"left a result that cannot be read ({last_line(error)})"
        return Answer(number, ProbeOutcome(ProbeVerdict.UNDECIDED, detail=f"job {job.job_id} {says}"))

    def close(self) -> None:
        """Cancel what is running."""
        for job in self._running.values():
            job.cancel(check=False)
