"""Runs a sweep's commands as jobs of a SLURM cluster, by submitit."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuromf.bisect.executor import worker_environment
from neuromf.bisect.slurm import FinishedJobs, ProbeResources, queued_jobs
from neuromf.errors import InputError
from neuromf.sweep.jobs import EndedCommand, SweepCommand

LOOK_S = 2.0
"""Seconds between two looks for results, which are files."""
ASKED = "--slurm-partition, --slurm-gpus and --slurm-minutes"


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
        cluster: submitit's name for where they run.

    Raises:
        InputError: no submitit, or no SLURM here.
    """

    def __init__(self, folder: Path, size: int, resources: ProbeResources, cluster: str = "slurm") -> None:
        try:
            import submitit
        except ImportError as error:
            remedy = "install neuromf with the extra 'cluster'"
            raise InputError("submitit is not installed", remedy=remedy, key="--slurm") from error
        try:
            python = f"{shlex.quote(sys.executable)} -P"
            self._executor: Any = submitit.AutoExecutor(folder=folder, cluster=cluster, slurm_python=python)
        except RuntimeError as error:
            remedy = "run it where `sbatch` is, or leave out --slurm"
            raise InputError(f"no SLURM here ({error})", remedy=remedy, key="--slurm") from error
        path = {"PYTHONPATH": worker_environment()["PYTHONPATH"]}
        setup = [f"export {name}={shlex.quote(value)}" for name, value in path.items()]
        self._executor.update_parameters(**resources.parameters(), slurm_setup=setup)
        self._refusals = submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError
        self.size, self._running = size, dict[str, Any]()
        self._left = FinishedJobs() if cluster == "slurm" else None
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
        try:
            job = self._executor.submit(run_command, list(command.arguments), os.path.abspath(command.log))
        except self._refusals as error:
            problem = f"SLURM does not take the job ({str(error).strip().splitlines()[-1][:200]})"
            raise InputError(problem, remedy=f"change {ASKED}", key="--slurm") from error
        self._running[command.key] = job
        with self._ids.open("a", encoding="ascii") as stream:
            stream.write(f"{job.job_id}\n")

    def wait(self) -> list[EndedCommand]:
        """Look until a job has ended; one that left the queue without a result has no code."""
        while True:
            # The queue first: a job that is gone has left its result by then, if it has one.
            gone = self._left.gone([job.job_id for job in self._running.values()]) if self._left else set()
            ended = [key for key, job in self._running.items() if self._has_ended(job) or job.job_id in gone]
            if ended:
                return [EndedCommand(key, self._code(self._running.pop(key))) for key in ended]
            time.sleep(LOOK_S)

    def _has_ended(self, job: Any) -> bool:  # noqa: ANN401
        if self._left is None:
            return bool(job.done())
        # The folder is listed because a network file system may remember for a while that a file is not there.
        return job.paths.result_pickle.name in os.listdir(job.paths.folder)

    def _code(self, job: Any) -> int | None:  # noqa: ANN401
        if not self._has_ended(job):
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
