"""Probes as array jobs on a SLURM cluster."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from neuromf.bisect.executor import Answer, IndexedTask, answer_of, record_of, reply, worker_environment
from neuromf.bisect.oracle import ProbeOutcome, ProbeVerdict
from neuromf.errors import InputError

LOOK = 10.0
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

    def __init__(self, look: Callable[[], frozenset[str] | None] = queued_jobs, every: float = LOOK) -> None:
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


POLL = 2.0
"""Seconds between two looks for results, which are files."""
WARNED = 30
"""Seconds before its limit at which SLURM signals a job; the signal may come up to a minute earlier."""
ASKED = "--slurm-partition, --slurm-gpus and --slurm-minutes"


@dataclass(frozen=True, kw_only=True)
class ProbeResources:
    """What every job asks the cluster for, one core besides.

    Attributes:
        minutes: its time limit.
        gpus: GPUs.
        partition: where it runs; empty for the cluster's default.
    """

    minutes: int = 60
    gpus: int = 0
    partition: str = ""

    def parameters(self) -> dict[str, Any]:
        """The same in submitit's words; what is None is left to the cluster."""
        return {
            "timeout_min": self.minutes, "cpus_per_task": 1, "gpus_per_node": self.gpus or None,
            "slurm_partition": self.partition or None, "slurm_signal_delay_s": WARNED,
        }  # fmt: skip


class SlurmExecutor:
    """Up to `jobs` jobs at once; the tasks of one `submit` are one array.

    Args:
        folder: what submitit writes; every node must see it.
        jobs: jobs at once.
        resources: of each job.
        cluster: submitit's name for where they run.
        poll: seconds between two looks for results.
        look: seconds between two looks at the queue.
    """

    def __init__(
        self, folder: Path, jobs: int, resources: ProbeResources = ProbeResources(), cluster: str = "slurm",
        poll: float = POLL, look: float = LOOK,
    ) -> None:  # fmt: skip
        try:
            import submitit
        except ImportError as error:
            remedy = "install neuromf with the extra 'cluster'"
            raise InputError("submitit is not installed", remedy=remedy, key="--slurm") from error
        # -P: a folder `tools` where the bisect was started must not be taken for ours.
        python = f"{shlex.quote(sys.executable)} -P"
        try:
            self._submitit: Any = submitit.AutoExecutor(folder=folder, cluster=cluster, slurm_python=python)
        except RuntimeError as error:
            remedy = "run it where `sbatch` is, or leave out --slurm"
            raise InputError(f"no SLURM here ({error})", remedy=remedy, key="--slurm") from error
        setup = [f"export {name}={shlex.quote(value)}" for name, value in worker_environment().items()]
        self._submitit.update_parameters(**resources.parameters(), slurm_array_parallelism=jobs, slurm_setup=setup)
        self.size, self._poll = jobs, poll
        self._finished_jobs = FinishedJobs(every=look) if cluster == "slurm" else None
        self._refusals = submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError
        self._running: dict[int, Any] = {}

    def submit(self, tasks: Sequence[IndexedTask]) -> None:
        """Send tasks as one array.

        Raises:
            InputError: SLURM does not take them.
        """
        if not tasks:
            return
        try:
            jobs = self._submitit.map_array(answer_in_job, [record_of(indexed) for indexed in tasks])
        except self._refusals as error:
            problem = f"SLURM does not take the jobs ({_last_line(error)})"
            raise InputError(problem, remedy=f"change {ASKED}", key="--slurm") from error
        self._running |= {indexed.number: job for indexed, job in zip(tasks, jobs, strict=True)}

    def wait(self) -> list[Answer]:
        """Wait until a job has ended; one that failed, was cancelled or ran out of time has no verdict."""
        while True:
            # The queue first: a job that is gone has left its result by then, if it has one.
            running = [job.job_id for job in self._running.values()]
            gone = self._finished_jobs.gone(running) if self._finished_jobs else set()
            ended = [number for number, job in self._running.items() if self._has_ended(job) or job.job_id in gone]
            if ended:
                return [self._read(number, self._running.pop(number)) for number in ended]
            time.sleep(self._poll)

    def _has_ended(self, job: Any) -> bool:  # noqa: ANN401
        """Whether its result is there; on a cluster nothing else is asked of submitit, which would ask `sacct`."""
        if self._finished_jobs is None:
            return bool(job.done())
        # The folder is listed because a network file system may remember for a while that a file is not there.
        return job.paths.result_pickle.name in os.listdir(job.paths.folder)

    def _read(self, number: int, job: Any) -> Answer:  # noqa: ANN401
        if not self._has_ended(job):
            log = (job.stderr() or "").strip().splitlines()
            says = f"left the queue without a result{f' ({log[-1][:200]})' if log else ''}"
        else:
            try:
                failure = job.exception()
                if failure is None:
                    return answer_of(job.result())
                says = f"failed: {_last_line(failure)}"
            except InputError:
                raise  # the job was refused
            except Exception as error:  # a pickle that was cut short may raise anything
                says = f"left a result that cannot be read ({_last_line(error)})"
        return Answer(number, ProbeOutcome(ProbeVerdict.UNDECIDED, detail=f"job {job.job_id} {says}"))

    def close(self) -> None:
        """Cancel what is running."""
        for job in self._running.values():
            job.cancel(check=False)


def _last_line(failure: Exception) -> str:
    """The last line of a job's log, which submitit puts between dashes, or of the whole message."""
    parts = re.split(r"\n-{10,}\n", str(failure))
    lines = parts[min(1, len(parts) - 1)].strip().splitlines()
    return (lines or [type(failure).__name__])[-1][:200]
