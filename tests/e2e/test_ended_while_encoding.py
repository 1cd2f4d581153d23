"""A signal while latents are made: the process ends in seconds with 75, says how to go on, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.forked_command import ForkedCommand
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[2]
SETTINGS = allow_blocked(*TINY, "data.demo_subjects=60", "training.gpus=2")
"""Heads enough to be made for a minute."""
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SECONDS = 20


@pytest.fixture
def start(tmp_path):
    """Starts a training, as a fork or as Python's own program, which is killed after the test if it has not ended."""
    started = []

    def begin(*program):
        out, progress = tmp_path / "new" / "run", tmp_path / "progress"
        train = ["train", "smoke", "--out", str(out), "--device", "cpu", "--progress", str(progress), *SETTINGS]
        environment = {**os.environ, "NEUROMF_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
        if not program:
            started.append(ForkedCommand(train, tmp_path, environment))
            return started[-1]
        process = subprocess.Popen(
            [*program, "-m", "neuromf", *train], env=environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS)


def unfinished(cache):
    return list(cache.glob(".*.part"))


def wait_for_encoding(process, cache):
    deadline = time.monotonic() + 90
    while not unfinished(cache) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    time.sleep(0.5)  # within the work, rather than at its first act


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT"])
def test_a_signal_while_latents_are_made_ends_it_with_75(tmp_path, start, name):
    """As soon as it comes: a scan may take longer than the scheduler waits."""
    process = start()
    wait_for_encoding(process, tmp_path / "cache")
    process.send_signal(signal.Signals[name])
    printed, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 75, errors
    assert f"interrupted ({name}) while latents were made" in printed
    assert "go on with the same command" in printed
    assert "Traceback" not in errors
    assert not unfinished(tmp_path / "cache")
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "progress").read_text().startswith("scans ")


def test_a_signal_in_the_first_moment_ends_it_with_75_too(tmp_path, start):
    """Before torch is there, and before it is known whether anything is to be encoded."""
    process = start(sys.executable)
    time.sleep(0.7)
    process.send_signal(signal.SIGUSR1)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert "interrupted (SIGUSR1) while latents were made, none yet" in printed
    assert not (tmp_path / "new").exists()


def test_all_ranks_end_when_rank_0_is_stopped_while_it_makes_latents(tmp_path, start):
    """The other waits to be told where they are, and is told that there are none."""
    process = start(*TORCHRUN)
    wait_for_encoding(process, tmp_path / "cache")
    process.send_signal(signal.SIGTERM)
    printed, errors = process.communicate(timeout=SECONDS)
    assert printed.count("interrupted (SIGTERM) while latents were made") == 1, errors
    assert 'Traceback (most recent call last):\n  File "' + str(ROOT / "tools") not in errors
    assert not unfinished(tmp_path / "cache")
