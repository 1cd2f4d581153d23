"""A signal reaches every process of a job at once: trainer and batch workers alike, from a scheduler or a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import time

import pytest

from neuromf.training.checkpoints.checkpoint import latest_checkpoint
from tests.support.forked_command import ForkedCommand
from tests.support.tiny_run import TINY, allow_blocked

SETTINGS = allow_blocked(*TINY, "training.epochs=300")


LATEST = 120
"""Seconds that a training has to begin, and to end."""


@pytest.fixture
def start(tmp_path):
    """Starts a command, which is killed after the test if it has not ended."""
    started = []

    def begin(arguments, **options):
        environment = {**os.environ, "NEUROMF_CACHE": str(tmp_path / "cache")}
        started.append(ForkedCommand(arguments, tmp_path, environment, **options))
        return started[-1]

    yield begin
    for command in started:
        command.end()


def rows_written(trace):
    return trace.read_text().count("\n") - 1 if trace.exists() else 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signalled_job_ends_with_75_and_a_checkpoint(tmp_path, start, name):
    """To the whole group: workers leave it to the trainer, which saves what the trace has last.

    The terminal says at once that it was heard.
    """
    run = tmp_path / "run"
    train = ["train", "smoke", "--out", str(run), "--device", "cpu", "--workers", "2", *SETTINGS]
    job = start(train)
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


@pytest.mark.parametrize(
    ("ignored", "to_file"), [(False, False), (True, True), (True, False)], ids=["as it is", "nohup", "disown"]
)
def test_a_terminal_that_is_closed_costs_no_step(tmp_path, start, ignored, to_file):
    """As ssh ends: the run is saved although nothing can be printed any more; one that ignores it goes on."""
    run, master, terminal = tmp_path / "run", *pty.openpty()
    length = "training.epochs=4" if ignored else "training.epochs=300"
    train = ["train", "smoke", "--out", str(run), "--device", "cpu", "--workers", "2", *SETTINGS, "--set", length]
    job = start(train, terminal=terminal, hangup=not ignored, to_file=to_file)
    os.set_blocking(master, False)
    deadline = time.monotonic() + LATEST
    while rows_written(run / "trace.csv") < 3 and job.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            os.read(master, 65_536)  # or the program would wait for a reader
        time.sleep(0.02)
    os.close(master)
    os.close(terminal)
    ended = job.wait(timeout=LATEST)

    assert ended == (0 if ignored else 75)
    newest = latest_checkpoint(run)
    assert newest is not None
    assert newest.step == rows_written(run / "trace.csv")
