"""The job that encodes a cohort before the job that trains on it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuromf.launch.job import SlurmJob


@dataclass(frozen=True, kw_only=True)
class EncodingJob(SlurmJob):
    """`neuromf encode` as a SLURM job: queued again as a training is, which costs the scan that was under way.

    Attributes:
        tasks: tasks of a job array that share the scans; 1 for a plain job.
    """

    tasks: int = 1

    @property
    def script(self) -> Path:
        """What `sbatch` is given."""
        return self.folder / "encode.sh"

    def action(self) -> list[str]:
        """What each of the job's processes does."""
        return ["encode", str(self.config)]

    def each_turn(self) -> str:
        """Its work is in the cache, where the next turn finds it."""
        return '--progress "$progress"'

    def _ours(self) -> Iterator[tuple[str, str | None]]:
        for name, value in super()._ours():
            if self.tasks > 1 and name == "output" and value is not None:
                yield name, value.replace("%j.log", "%A_%a.log")
            else:
                yield name, value
        if self.tasks > 1:
            yield "array", f"0-{self.tasks - 1}"


def encoding_of(job: SlurmJob, tasks: int) -> EncodingJob:
    """The job that encodes what `job` trains on, in the same folder and with the same options."""
    return EncodingJob(
        cwd=job.cwd, run=job.run, folder=job.folder, gpus=job.gpus, minutes=job.minutes, partition=job.partition,
        resources=job.resources, options=job.options, tasks=tasks,
    )  # fmt: skip


def typed_after(encoding: EncodingJob, job: SlurmJob) -> str:
    """What a user types to queue both by hand."""
    first, second = shlex.quote(str(encoding.script)), shlex.quote(str(job.script))
    return f"sbatch {AFTER}:$(sbatch --parsable {first} | cut -d';' -f1) {NEVER} {second}"


AFTER = "--dependency=afterok"
NEVER = "--kill-on-invalid-dep=yes"
"""A training whose scans were not encoded is taken out of the queue, where it would otherwise wait for ever."""
