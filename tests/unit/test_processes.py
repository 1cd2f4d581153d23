"""No process outlives what it was started for: not an error, not its pool, not its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromf.processes import gone_afterwards, how_it_ended, worker_pool

ROOT = Path(__file__).parents[2]
SECONDS = 20
PARENT = """
import time
from neuromf.processes import worker_pool
from test_processes import say_who_and_sleep
if __name__ == "__main__":
    with worker_pool(1) as pool:
        pool.submit(say_who_and_sleep)
        time.sleep(600)
"""


def fail():
    raise ValueError("a task failed")


def say_who_and_sleep():
    print(os.getpid(), flush=True)
    time.sleep(600)


def runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def none_left(before):
    """Whether each process that began since is gone; two threads that wait for one may both have to look twice."""
    deadline = time.monotonic() + SECONDS
    while set(multiprocessing.active_children()) - before and time.monotonic() < deadline:
        time.sleep(0.05)
    return not set(multiprocessing.active_children()) - before


def test_a_pool_that_meets_an_error_does_not_end_its_tasks_first():
    """Two of ten minutes each run and more wait; the error is there in seconds, and no worker is left."""

    def ask():
        with worker_pool(3) as pool:
            tasks = [(time.sleep, 600), (time.sleep, 600), (fail,), (time.sleep, 600), (time.sleep, 600)]
            [pool.submit(*task) for task in tasks][2].result()

    start, before = time.monotonic(), set(multiprocessing.active_children())
    with pytest.raises(ValueError, match="a task failed"):
        ask()
    assert time.monotonic() - start < SECONDS
    assert none_left(before)


def test_a_pool_that_ends_well_has_done_its_tasks():
    """Those that nobody has asked for too."""
    before = set(multiprocessing.active_children())
    with worker_pool(1) as pool:
        done = [pool.submit(abs, -number) for number in range(5)]
    assert [one.result() for one in done] == [0, 1, 2, 3, 4]
    assert none_left(before)


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    """Nobody is left to tell them; left to itself such a worker waits for tasks for ever."""
    (tmp_path / "parent.py").write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py")], env=environment, stdout=subprocess.PIPE, text=True
    )
    worker = int(parent.stdout.readline())
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        deadline = time.monotonic() + SECONDS
        while runs(worker) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not runs(worker)
    finally:
        if runs(worker):
            os.kill(worker, signal.SIGKILL)


def test_a_process_that_hears_no_signal_is_gone_after_the_block():
    """What was there before the block stays."""
    context = multiprocessing.get_context("spawn")
    kept = context.Process(target=time.sleep, args=(600,), daemon=True)
    kept.start()
    with gone_afterwards():
        deaf = context.Process(target=time.sleep, args=(600,))
        deaf.start()
    assert deaf.exitcode == -signal.SIGKILL
    assert kept.is_alive()
    kept.kill()
    kept.join()


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with code 0"), (3, "ended with code 3"), (-9, "was killed by SIGKILL"), (-99, "killed by signal 99")],
)
def test_the_end_of_a_process_is_said_in_words(code, words):
    """Signals by their names."""
    assert words in how_it_ended(code)
