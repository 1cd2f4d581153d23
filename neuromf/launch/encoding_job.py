"""The job that encodes a cohort before the job that trains on it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neuromf.launch.choice import Choice, ChoiceLayer, Value, choose
from neuromf.launch.gpu_request import gpu_request, recounted
from neuromf.launch.job import SlurmJob
from neuromf.launch.options import REPLACES, Option, UserOptions
from neuromf.launch.resources import JobResources
from neuromf.launch.site import EncodingSite

OF_THE_TRAINING = ("job-name", "output", "open-mode", "nodes", "ntasks", "ntasks-per-node", "cpus-per-task", "mem")
"""Options that say how large the training is, or where its log lies; the encoding has its own."""


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

    def turn_begins(self) -> str:
        """Several tasks may share its work, and it has no checkpoints."""
        return ""

    def turn_ends(self) -> str:
        """What is encoded is kept."""
        return ""

    def _ours(self) -> Iterator[tuple[str, str | None]]:
        for name, value in super()._ours():
            if self.tasks > 1 and name == "output" and value is not None:
                yield name, value.replace("%j.log", "%A_%a.log")
            else:
                yield name, value
        if self.tasks > 1:
            yield "array", f"0-{self.tasks - 1}"


def encoding_choice(own: EncodingSite, place: str, training: Choice, gpus: int) -> Choice:
    """What the encoding asks for: the site file's section, then what the training asks for, save its size.

    Args:
        own: the section.
        place: the file that holds it.
        training: what was chosen for the training.
        gpus: of the encoding.

    Raises:
        InputError: the section says something twice, or breaks the job.
    """
    values: dict[str, Value] = {
        name: value for name, value in own if value is not None and name not in ("sbatch", "nodes", "encoding")
    }
    section = ChoiceLayer(
        f"encoding: in {place}", values, UserOptions.read(own.sbatch or []), key="encoding.sbatch", file=place
    )
    section.options.check(gpus)
    rest = UserOptions.read([option.alone() for option in training.options.options if not _of_the_training(option)])
    shared = {name: value for name, value in training.values.items() if name != "nodes"}
    chosen = choose([section, ChoiceLayer("the training", shared, rest)])
    if gres := chosen.text("gres"):
        counted = dict(chosen.values) | {"gres": recounted(gres, gpus)}
        return Choice(counted, chosen.options, chosen.sources, chosen.option_sources)
    return chosen


def _of_the_training(option: Option) -> bool:
    asks = gpu_request(option.name, option.value or "") is not None
    return asks or REPLACES.get(option.name, option.name) in OF_THE_TRAINING


def encoding_of(job: SlurmJob, chosen: Choice, resources: JobResources | None, tasks: int) -> EncodingJob:
    """The job that encodes what `job` trains on, in the same folder: on one node, with one GPU if the training has any.

    Args:
        job: the training.
        chosen: what its encoding asks for.
        resources: cores and memory.
        tasks: of an array.
    """
    return EncodingJob(
        cwd=job.cwd, run=job.run, folder=job.folder, gpus=min(job.gpus, 1), resources=resources, tasks=tasks,
        options=chosen.options, minutes=chosen.number("minutes") or job.minutes, partition=chosen.text("partition"),
        account=chosen.text("account"), qos=chosen.text("qos"), constraint=chosen.text("constraint"),
        gres=chosen.text("gres"),
    )  # fmt: skip


def typed_after(encoding: EncodingJob, job: SlurmJob) -> str:
    """What a user types to queue both by hand."""
    first, second = shlex.quote(str(encoding.script)), shlex.quote(str(job.script))
    return f"sbatch {AFTER}:$(sbatch --parsable {first} | cut -d';' -f1) {NEVER} {second}"


AFTER = "--dependency=afterok"
NEVER = "--kill-on-invalid-dep=yes"
"""A training whose scans were not encoded is taken out of the queue, where it would otherwise wait for ever."""
