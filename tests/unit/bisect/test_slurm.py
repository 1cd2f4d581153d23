"""The SLURM executor without accounting: what a job asks for, and how one that ends without a result is noticed."""

import os
import pickle
import signal
import time
from dataclasses import replace

import pytest

from neuromf.bisect.executor import IndexedTask, answer_of, record_of
from neuromf.bisect.oracle import ProbeVerdict, Task
from neuromf.bisect.slurm import WARNING, SlurmExecutor, answer_in_job
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.errors import InputError
from neuromf.launch.queue import FinishedJobs, queued_jobs
from neuromf.launch.submitit_jobs import WorkerResources
from tests.support.fake_slurm import FakeSlurm


def indexed(oracle="law:JVP-003"):
    config = flat_config(load_config(["failed_225"]))
    return IndexedTask(3, Task(oracle=oracle, config=config, good=config, seed=0, micro_batches=1))


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A machine on which SLURM seems to run."""
    return FakeSlurm(tmp_path / "slurm", monkeypatch)


@pytest.fixture
def executor(cluster, tmp_path):
    """A executor on it that looks often, in a test that fails when it would wait for ever."""

    def give_up(_signal, _frame):
        raise TimeoutError("the executor waits for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield SlurmExecutor(tmp_path / "jobs", 2, poll=0.05, look=0.05)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_a_job_asks_for_what_was_wanted_and_for_nothing_else(cluster, tmp_path):
    """Minutes, GPUs and partition stand in the script; GPUs and partition only when they were given."""
    cluster.will("dies")
    wanted = {"given": WorkerResources(minutes=5, gpus=2, partition="long"), "default": WorkerResources()}
    scripts = {}
    for name, resources in wanted.items():
        SlurmExecutor(tmp_path / name, 2, resources).submit([indexed()])
        scripts[name] = (tmp_path / name / "7_submission.sh").read_text().splitlines()
    assert {f"#SBATCH --{flag}" for flag in ("time=5", "gpus-per-node=2", "partition=long")} <= set(scripts["given"])
    assert "#SBATCH --time=60" in scripts["default"]
    assert not any("gpu" in line or "partition" in line for line in scripts["default"])


@pytest.mark.parametrize("on_the_path", [False, True])
def test_a_job_runs_its_bisects_packages_without_accounting(executor, tmp_path, monkeypatch, on_the_path):
    """Started beside a folder `tools` of another kind, or with one on its path, on a cluster whose `sacct` fails."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('not ours')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) if on_the_path else "")
    executor.submit([indexed()])
    (answer,) = executor.wait()
    assert (answer.number, answer.outcome.verdict) == (3, ProbeVerdict.BROKEN)


def test_a_job_that_leaves_the_queue_without_a_result_has_no_verdict(cluster, executor, tmp_path):
    """As after `scancel`: no file, nothing in the queue, and the last line of its log is kept."""
    cluster.will("dies")
    executor.submit([indexed()])
    (tmp_path / "jobs" / "7_0_log.err").write_text("starting\nsrun: error: task 0: Killed\n", encoding="utf-8")
    cluster.queue.write_text("6\n8_1\n", encoding="utf-8")
    (answer,) = executor.wait()
    assert (answer.number, answer.outcome.verdict) == (3, ProbeVerdict.UNDECIDED)
    assert answer.outcome.detail == "job 7 left the queue without a result (srun: error: task 0: Killed)"


def test_a_job_that_breaks_off_has_no_verdict_and_says_why(executor):
    """The last line of its traceback, not that of the advice around it."""
    executor.submit([IndexedTask(3, replace(indexed().task, config=None))])
    (answer,) = executor.wait()
    assert answer.outcome.verdict is ProbeVerdict.UNDECIDED
    assert answer.outcome.detail == "job 7 failed: TypeError: 'NoneType' object is not a mapping"


DAMAGES = {
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "zeros": lambda content: bytes(len(content)),
    "another object": lambda _: pickle.dumps({"no": "pair"}),
    "another answer": lambda _: pickle.dumps(("success", {"number": 3})),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_result_that_cannot_be_read_is_no_verdict(executor, tmp_path, monkeypatch, damage):
    """A node that lost its power or its server: one sentence for the probe, and the bisect goes on."""
    monkeypatch.setattr("submitit.core.core._time.sleep", lambda _seconds: None)
    executor.submit([indexed()])
    result = tmp_path / "jobs" / "7_0_result.pkl"
    while not result.exists():
        time.sleep(0.05)
    result.write_bytes(DAMAGES[damage](result.read_bytes()))
    (answer,) = executor.wait()
    assert (answer.number, answer.outcome.verdict) == (3, ProbeVerdict.UNDECIDED)
    assert answer.outcome.detail.startswith("job 7 left a result that cannot be read (")
    assert "\n" not in answer.outcome.detail


def test_a_job_that_slurm_does_not_take_is_a_sentence(cluster, executor):
    """A partition that does not exist, in the words of `sbatch`."""
    cluster.will("refuses")
    with pytest.raises(InputError, match=r"does not take the jobs .*invalid partition.*--slurm-partition"):
        executor.submit([indexed()])


def test_a_job_is_gone_when_it_is_missing_twice():
    """Once may be a result that is seen late; a queue that cannot be asked says nothing."""
    looks = iter([{"1", "2"}, {"2"}, None, {"2"}, {"2", "1"}, {"2"}, set()])
    finished_jobs = FinishedJobs(lambda: next(looks), every=0.0)
    found = [finished_jobs.gone(["1", "2"]) for _ in range(7)]
    assert found == [set(), set(), set(), {"1"}, set(), set(), {"1"}]


def test_the_queue_is_not_asked_at_every_look_for_results():
    """Others need the scheduler too."""
    asked = []
    finished_jobs = FinishedJobs(lambda: asked.append(1) or frozenset(), every=60.0)
    assert [finished_jobs.gone(["1"]) for _ in range(5)] == [set()] * 5
    assert len(asked) == 1


def test_the_queue_is_asked_whatever_the_user_has_set_for_himself(cluster, monkeypatch):
    """A filter of his own would make waiting jobs look cancelled; without an answer nothing is known."""
    cluster.queue.write_text("7\n8_0\n", encoding="utf-8")
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    assert queued_jobs() == {"7", "8_0"}
    cluster.will("silent")
    assert queued_jobs() is None


def test_a_job_whose_time_is_nearly_up_has_no_verdict(monkeypatch):
    """The warning interrupts a training, is not taken for an error of torch's, and the old handler is back."""

    def outlasts(_):
        os.kill(os.getpid(), WARNING)
        raise AssertionError("the training went on")

    monkeypatch.setattr("neuromf.bisect.trainings.divergence", outlasts)
    before = signal.getsignal(WARNING)
    answer = answer_of(answer_in_job(record_of(indexed("divergence"))))
    assert (answer.number, answer.outcome.verdict) == (3, ProbeVerdict.UNDECIDED)
    assert "time limit" in answer.outcome.detail
    assert signal.getsignal(WARNING) is before
