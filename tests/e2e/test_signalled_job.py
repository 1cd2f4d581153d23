"""A scheduler's signal reaches every process of a job at once: trainer and batch workers alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromf.training.checkpoint import latest_checkpoint
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[2]
SETTINGS = allow_blocked(*TINY, "training.epochs=300")


def rows_written(trace):
    return trace.read_text().count("\n") - 1 if trace.exists() else 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signalled_job_ends_with_75_and_a_checkpoint(tmp_path, name):
    """To the whole group: workers leave it to the trainer, which saves what the trace has last.

    The terminal says at once that it was heard.
    """
    run = tmp_path / "run"
    train = ["train", "smoke", "--out", str(run), "--device", "cpu", "--workers", "2", *SETTINGS]
    environment = {**os.environ, "NEUROMF_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    job = subprocess.Popen(
        [sys.executable, "-m", "neuromf", *train], env=environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while rows_written(run / "trace.csv") < 3 and job.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(job.pid, signal.Signals[name])
    printed, errors = job.communicate(timeout=120)

    assert job.returncode == 75, errors
    assert f"{name} came: what is under way is finished and saved" in errors
    assert f"interrupted, with a checkpoint; continue with --resume ({name})" in printed
    newest = latest_checkpoint(run)
    assert newest is not None
    assert newest.step == rows_written(run / "trace.csv")
