"""What the scheduler is asked and told."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 240.0
"""Seconds within which what a scenario waits for has come, on a machine of two cores that others use."""


@dataclass(frozen=True)
class JobState:
    """A job as `scontrol show job` says it.

    Attributes:
        state: as RUNNING.
        restarts: turns before this one.
        exit_code: `code:signal`.
        reason: why it waits.
        nodes: where it runs or ran.
    """

    state: str
    restarts: int
    exit_code: str
    reason: str
    nodes: str


def job_state(number: str) -> JobState:
    """How a job stands; state GONE where the scheduler does not know it any more."""
    shown = run("scontrol", "show", "job", "--oneliner", number)
    fields = dict(word.partition("=")[::2] for word in shown.split())
    return JobState(
        fields.get("JobState", "GONE"), int(fields.get("Restarts", "0")), fields.get("ExitCode", ""),
        fields.get("Reason", ""), fields.get("NodeList", ""),
    )  # fmt: skip


def run(*command: str) -> str:
    """What a program of SLURM prints."""
    return subprocess.run(command, check=False, capture_output=True, text=True, errors="replace").stdout


def wait_until(what: str, holds: Callable[[], bool], patience: float = PATIENCE_S) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not come.
    """
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {patience:.0f} s")
        time.sleep(0.25)


def ended(number: str) -> bool:
    """Whether a job will do nothing more."""
    return job_state(number).state in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "GONE")


def begin_at_once(number: str) -> None:
    """Have a job that was queued again start without the two minutes that SLURM lets pass before the next turn."""
    wait_until("the requeue", lambda: job_state(number).state == "PENDING")
    run("scontrol", "update", f"JobId={number}", "StartTime=now")


def occupy(folder: Path, partition: str, seconds: int = 3) -> str:
    """A job of that partition which takes both nodes whole for a while; its number."""
    script = folder / f"occupy-{partition}.sh"
    script.write_text(f"#!/bin/bash\nsleep {seconds}\n", encoding="utf-8")
    options = ["--parsable", f"--partition={partition}", "--nodes=2", "--exclusive", "--output=/dev/null"]
    return run("sbatch", *options, str(script)).strip()
