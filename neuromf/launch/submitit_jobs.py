"""Jobs of a SLURM cluster that run a function of ours, by submitit: one way to open it, and to see what has ended."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from neuromf.errors import InputError
from neuromf.launch.queue import LOOK_S, FinishedJobs

POLL_S = 2.0
"""Seconds between two looks for results, which are files."""
WARNED = 30
"""Seconds before its limit at which SLURM signals a job; the signal may come up to a minute earlier."""
ASKED = "--slurm-partition, --slurm-gpus and --slurm-minutes"

Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class WorkerResources:
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


class SubmititCluster:
    """Where jobs are sent, and how it is known that they have ended.

    Args:
        folder: what submitit writes; every node must see it.
        resources: of each job.
        environment: variables of each job.
        cluster: submitit's name for where they run.
        look: seconds between two looks at the queue.
        parameters: more of submitit's.

    Raises:
        InputError: no submitit, or no SLURM here.
    """

    def __init__(
        self, folder: Path, resources: WorkerResources, environment: Mapping[str, str], *, cluster: str = "slurm",
        look: float = LOOK_S, **parameters: Any,  # noqa: ANN401
    ) -> None:  # fmt: skip
        try:
            import submitit
        except ImportError as error:
            remedy = "install neuromf with the extra 'cluster'"
            raise InputError("submitit is not installed", remedy=remedy, key="--slurm") from error
        # -P: a folder of a name of ours where the command was started must not be taken for ours.
        python = f"{shlex.quote(sys.executable)} -P"
        try:
            self.executor: Any = submitit.AutoExecutor(folder=folder, cluster=cluster, slurm_python=python)
        except RuntimeError as error:
            remedy = "run it where `sbatch` is, or leave out --slurm"
            raise InputError(f"no SLURM here ({error})", remedy=remedy, key="--slurm") from error
        setup = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
        self.executor.update_parameters(**resources.parameters(), **parameters, slurm_setup=setup)
        self._refusals = submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError
        self._finished_jobs = FinishedJobs(every=look) if cluster == "slurm" else None

    def submit(self, many: bool, function: Any, *arguments: Any) -> Any:  # noqa: ANN401
        """Send a job, or with `many` an array of them.

        Raises:
            InputError: SLURM does not take it.
        """
        try:
            return (self.executor.map_array if many else self.executor.submit)(function, *arguments)
        except self._refusals as error:
            problem = f"SLURM does not take the job{'s' if many else ''} ({last_line(error)})"
            raise InputError(problem, remedy=f"change {ASKED}", key="--slurm") from error

    def wait(self, running: Mapping[Key, Any], poll: float = POLL_S) -> list[Key]:
        """Look until a job has ended: with a result, or by leaving the queue without one."""
        while True:
            # The queue first: a job that is gone has left its result by then, if it has one.
            jobs = [job.job_id for job in running.values()]
            gone = self._finished_jobs.gone(jobs) if self._finished_jobs else set()
            ended = [key for key, job in running.items() if self.has_result(job) or job.job_id in gone]
            if ended:
                return ended
            time.sleep(poll)

    def has_result(self, job: Any) -> bool:  # noqa: ANN401
        """Whether its result is there; on a cluster nothing else is asked of submitit, which would ask `sacct`."""
        if self._finished_jobs is None:
            return bool(job.done())
        # The folder is listed because a network file system may remember for a while that a file is not there.
        return job.paths.result_pickle.name in os.listdir(job.paths.folder)


def last_line(failure: Exception) -> str:
    """The last line of a job's log, which submitit puts between dashes, or of the whole message."""
    parts = re.split(r"\n-{10,}\n", str(failure))
    lines = parts[min(1, len(parts) - 1)].strip().splitlines()
    return (lines or [type(failure).__name__])[-1][:200]
