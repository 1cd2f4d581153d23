"""However a training with workers ends, it ends: its workers are gone within seconds and its exit code is not 0."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from safetensors.torch import save_file

from tests.support.forked_command import ForkedCommand

STEPS, SECONDS = 60, 20
"""Until a busy machine has made two steps; and then until all is over, of which torch's own look at its workers takes
five."""


@pytest.fixture
def start(tmp_path, real_latents):
    """Starts a training that ends in the given way; what still runs after the test is killed."""
    started = []

    def begin(how):
        save_file({"latents": real_latents}, tmp_path / "latents.safetensors")
        arguments = [tmp_path / "run", tmp_path / "latents.safetensors", how]
        process = ForkedCommand(arguments, tmp_path, os.environ, module="tests.support.dying_trainer")
        started.append((process, workers := []))
        deadline = time.monotonic() + STEPS
        while len(workers) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
            told = process.printed.read_text() if process.printed.exists() else ""
            workers[:] = [int(line) for line in told.splitlines(keepends=True) if line.endswith("\n")]
        assert len(workers) == 2, process.errors.read_text()
        return process, workers

    yield begin
    for process, workers in started:
        process.end()
        for worker in workers:
            if runs(worker):
                os.kill(worker, 9)


def runs(process):
    """Whether it is there and more than an entry that nobody has asked for yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(workers):
    deadline = time.monotonic() + SECONDS
    while any(runs(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(runs(worker) for worker in workers)


@pytest.mark.parametrize("how", ["RuntimeError", "KeyboardInterrupt"])
def test_an_error_in_a_step_ends_the_trainer_and_its_workers(start, tmp_path, how):
    """Its traceback holds the iterator over the workers, and the interpreter would wait for them."""
    process, workers = start(how)
    assert process.wait(timeout=SECONDS) != 0
    assert gone(workers)
    assert how in (tmp_path / "errors").read_text()


@pytest.mark.parametrize(
    ("how", "words"),
    [("worker-is-killed", "killed by SIGKILL"), ("worker-exits-0", "ended with code 0")],
)
def test_the_death_of_a_worker_ends_the_training_and_is_told(start, tmp_path, how, words):
    """As the system kills for want of memory: one sentence says what died, how, and what helps."""
    process, workers = start(how)
    assert process.wait(timeout=SECONDS) != 0
    assert gone(workers)
    told = (tmp_path / "errors").read_text().splitlines()[-1]
    assert words in told
    assert "--workers 0" in told


def test_workers_end_with_a_trainer_that_is_killed(start):
    """Nobody is left to tell them."""
    process, workers = start("trainer-is-killed")
    assert process.wait(timeout=SECONDS) == -9
    assert gone(workers)
