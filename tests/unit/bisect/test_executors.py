"""Workers and array jobs: answers come back by number, refusals as they were, deaths as no verdict."""

import os
import signal

import pytest

from neuromf.bisect.executor import IndexedTask, LocalExecutor
from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.slurm import SlurmExecutor
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError


def task(recipe="failed_225", oracle="law:JVP-003"):
    config = flat_config(load_config([recipe]))
    return Task(oracle=oracle, config=config, good=config, seed=0, micro_batches=1)


def gather(executor, count):
    found = {}
    while len(found) < count:
        found |= {answer.number: answer.outcome.verdict for answer in executor.wait()}
    return found


@pytest.fixture
def local():
    executor = LocalExecutor(2)
    yield executor
    executor.close()


@pytest.fixture
def single():
    executor = LocalExecutor(1)
    yield executor
    executor.close()


def test_more_tasks_than_workers_are_all_answered(local):
    """Five tasks on two processes, by number."""
    recipes = ["failed_225", "phase4c", "failed_225", "recommended", "smoke"]
    local.submit([IndexedTask(number, task(recipe)) for number, recipe in enumerate(recipes)])
    broken = {number for number, verdict in gather(local, 5).items() if verdict is ProbeVerdict.BROKEN}
    assert broken == {0, 2}


def test_what_a_worker_refuses_is_refused_here(single):
    """The sentence crosses the process unchanged."""
    single.submit([IndexedTask(0, task(oracle="law:JVP-999"))])
    with pytest.raises(InputError, match="is no law that a configuration can break"):
        single.wait()


def test_a_worker_that_dies_has_no_verdict_and_the_next_task_has_another(single):
    """Killed as the system kills for want of memory."""
    single.submit([IndexedTask(0, task())])
    os.kill(single._workers[0].process.pid, signal.SIGKILL)
    assert gather(single, 1) == {0: ProbeVerdict.UNDECIDED}
    single.submit([IndexedTask(1, task())])
    assert gather(single, 1) == {1: ProbeVerdict.BROKEN}


CUT_SHORT = """#!/bin/bash
read -r task
printf '{"number": 0, "outcome": {"verd'
"""


def test_an_answer_that_was_cut_short_is_none(local, tmp_path, monkeypatch):
    """A worker killed in the middle of its line has died; half a verdict is not read."""
    (tmp_path / "python").write_text(CUT_SHORT, encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr("neuromf.bisect.executor.sys.executable", str(tmp_path / "python"))
    local.submit([IndexedTask(0, task())])
    (answer,) = local.wait()
    assert (answer.number, answer.outcome.verdict) == (0, ProbeVerdict.UNDECIDED)
    assert "its process ended" in answer.outcome.detail


def test_an_idle_worker_that_died_loses_no_task(local):
    """Both workers are killed between two batches: others are started, and every task of the second has its verdict."""
    local.submit([IndexedTask(number, task()) for number in (0, 1)])
    gather(local, 2)
    dead = [worker.process for worker in local._workers]
    for process in dead:
        process.kill()
        process.wait()
    local.submit([IndexedTask(number, task()) for number in (2, 3, 4)])
    assert gather(local, 3) == dict.fromkeys((2, 3, 4), ProbeVerdict.BROKEN)
    assert not {worker.process for worker in local._workers} & set(dead)
    assert len(local._workers) == 2


def test_a_folder_of_the_users_is_not_taken_for_the_packages(local, tmp_path, monkeypatch):
    """A bisect that is started beside a folder `tools` of another kind."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('not ours')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    local.submit([IndexedTask(0, task())])
    assert gather(local, 1) == {0: ProbeVerdict.BROKEN}


def test_a_worker_ends_with_its_bisect(local):
    """When standard input closes nobody would read the answer."""
    local.submit([IndexedTask(0, task())])
    gather(local, 1)
    worker = local._workers[0].process
    worker.stdin.close()
    assert worker.wait(timeout=20) == 0


@pytest.mark.parametrize("cluster", ["debug", "local"])
def test_array_jobs_are_answered_alike(tmp_path, cluster):
    """Submitit's in-process and one-machine executors stand in for SLURM."""
    executor = SlurmExecutor(tmp_path, 2, cluster=cluster, poll=0.1)
    executor.submit([IndexedTask(0, task()), IndexedTask(1, task("phase4c"))])
    assert gather(executor, 2) == {0: ProbeVerdict.BROKEN, 1: ProbeVerdict.HEALTHY}


def test_a_refusal_of_an_array_job_is_refused_here(tmp_path):
    """As that of a worker is."""
    executor = SlurmExecutor(tmp_path, 1, cluster="debug")
    executor.submit([IndexedTask(0, task(oracle="law:JVP-999"))])
    with pytest.raises(InputError, match="is no law"):
        executor.wait()


def test_no_slurm_is_a_sentence(tmp_path, monkeypatch):
    """A machine without sbatch."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no SLURM here"):
        SlurmExecutor(tmp_path / "jobs", 1)
