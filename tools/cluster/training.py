"""Small trainings for the rehearsal, queued as `neuromf launch` queues them."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from neuromf.cli.app import app
from neuromf.cli.app import run as run_app
from neuromf.config.load import load_config
from neuromf.config.resolve import resolved_text
from neuromf.launch.encoding_job import EncodingJob, encoding_of
from neuromf.launch.job import SlurmJob
from neuromf.launch.planned import Planned, plan
from neuromf.launch.resources import JobResources
from neuromf.launch.submit import submit
from neuromf.training.checkpoints.checkpoint import latest_checkpoint
from tools.cluster.queue import run

SETTINGS = (
    "data.demo_subjects=4", "data.spacing_mm=6.0", "data.shape=[32,32,32]", "data.split_ratios=[0.75,0.25,0.0]",
    "unet.channels=[8,16]", "unet.attention_levels=[false,false]", "unet.head_channels=8",
    "training.batch_size_per_gpu=4", "training.gradient_accumulation_steps=2", "training.micro_batches_per_epoch=6",
    "training.epochs=100", "training.checkpoint_every_steps=100",
)  # fmt: skip
"""300 optimiser steps, half a minute of one core; a checkpoint comes every 100 unless a signal asks for one."""
STEPS = 300
SMALL = JobResources(cpus=1, memory_gib=4)


@dataclass(frozen=True)
class Said:
    """What a command ended with.

    Attributes:
        code: exit code.
        text: standard output and standard error.
    """

    code: int
    text: str


class Workplace:
    """A folder for runs, and a ticket for their configuration once the gate has judged it.

    Args:
        root: the folder, which all nodes see.
        ticket: a verdict on that configuration.
    """

    def __init__(self, root: Path, ticket: Path | None = None) -> None:
        self.root, self.ticket = root, ticket

    def launch(self, *arguments: str, settings: Sequence[str] = SETTINGS) -> Said:
        """Run `neuromf launch` on the small configuration, in this process: it takes seconds to import torch."""
        overrides = [word for setting in settings for word in ("--set", setting)]
        out, before = io.StringIO(), (sys.argv, Path.cwd())
        sys.argv = ["neuromf", "launch", "smoke", *overrides, *arguments]
        os.chdir(self.root)
        code = 0
        try:
            with redirect_stdout(out), redirect_stderr(out):
                run_app(app)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.argv, _ = before
            os.chdir(before[1])
        return Said(code, out.getvalue())

    def write(self, name: str, *, gpus: int = 0, sbatch: Sequence[str] = (), **typed: str | int) -> SlurmJob:
        """The folder of a launch of that configuration, by the ticket of the first."""
        return self._written(self._planned(name, sbatch, typed, gpus=gpus), SETTINGS)

    def write_both(self, name: str, settings: Sequence[str], site: Path, tasks: int) -> tuple[EncodingJob, SlurmJob]:
        """The same for other settings, with an encoding before; the laws were asked of the small configuration."""
        planned = self._planned(name, (), {}, site)
        job = self._written(planned, settings, "--allow-blocked", "a rehearsal")
        encoding = encoding_of(job, planned.encoding, SMALL, tasks)
        encoding.script.write_text(encoding.text(), encoding="utf-8")
        return encoding, job

    def _planned(
        self, name: str, sbatch: Sequence[str], typed: Mapping[str, str | int], site: Path | None = None, gpus: int = 0
    ) -> Planned:
        os.environ |= {"NEUROMF_CACHE": str(self.root / "cache"), "OMP_NUM_THREADS": "1"}
        small = ["--cpus-per-task=1", "--mem=4G", *sbatch]
        return plan(self.root / name, gpus, typed, small, site or self._no_site())

    def _written(self, planned: Planned, settings: Sequence[str], *instead_of_ticket: str) -> SlurmJob:
        if self.ticket is None:
            raise RuntimeError("nothing was judged yet")
        job, text = planned.job, planned.job.text()
        job.folder.mkdir()
        job.config.write_text(resolved_text(load_config(["smoke"], settings)), encoding="utf-8")
        job.ticket.write_bytes(self.ticket.read_bytes())
        job.choice.write_text(json.dumps(planned.record(encodes=False)), encoding="utf-8")
        if instead_of_ticket:
            text = text.replace(shlex.join(["--ticket", str(job.ticket)]), shlex.join(instead_of_ticket))
        job.script.write_text(text, encoding="utf-8")
        return job

    def queued(
        self, name: str, *, gpus: int = 0, sbatch: Sequence[str] = (), **typed: str | int
    ) -> tuple[SlurmJob, str]:
        """The same, submitted; the job and its number."""
        job = self.write(name, gpus=gpus, sbatch=sbatch, **typed)
        return job, submit(job)

    def _no_site(self) -> Path:
        path = self.root / "no_site.yaml"
        path.touch()
        return path


def steps(job: SlurmJob) -> int:
    """Rows of a run's trace."""
    trace = job.run / "trace.csv"
    return max(trace.read_text(encoding="utf-8").count("\n") - 1, 0) if trace.exists() else 0


def saved(job: SlurmJob) -> int:
    """Step of the newest checkpoint, 0 without any."""
    try:
        found = latest_checkpoint(job.run)
    except Exception:
        return 0
    return found.step if found else 0


def log(job: SlurmJob) -> str:
    """What the job has printed, all turns."""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(job.folder.glob("*.log")))


def told(job: SlurmJob) -> list[str]:
    """Lines of the log that are neuromf's or SLURM's own words on what ended a turn."""
    words = ("neuromf: ", "interrupted (", "finished after", "slurmstepd", "going on", "Received ", "srun: ")
    return [line.strip() for line in log(job).splitlines() if any(word in line for word in words)]


def scontrol(*words: str) -> str:
    """Tell the controller something."""
    return run("scontrol", *words)
