"""Whether a job's processes are gone, as its scheduler says; without an answer nobody is taken to be gone."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from neuromf.errors import InputError
from neuromf.lock import Lock
from neuromf.lock_holder import Holder
from neuromf.scheduled_job import ScheduledJob

HOLDER = ScheduledJob("7", "0", "alpha")


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """In job 9 of the cluster alpha, have `squeue` answer so; it notes what it was asked."""
    for name, value in (("JOB_ID", "9"), ("RESTART_COUNT", "0"), ("CLUSTER_NAME", "alpha")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def answers(text):
        (tmp_path / "squeue").write_text(f'#!/bin/bash\necho "$@" >> {tmp_path}/asked\n{text}\n')
        (tmp_path / "squeue").chmod(0o755)

    return answers


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        ("echo COMPLETED", True), ("echo CANCELLED", True), ("echo PENDING", True), ("echo NODE_FAIL", True),
        ("echo RUNNING", False), ("echo COMPLETING", False), ("echo SUSPENDED", False), ("echo CONFIGURING", False),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", True),
        ("echo 'Unable to contact slurm controller' >&2; exit 1", False), ("exec sleep 20", False), ("", True),
    ],
)  # fmt: skip
def test_a_job_is_gone_where_its_scheduler_says_so(squeue, monkeypatch, answer, gone):
    """A state without processes, or an id that it has forgotten; no answer is none."""
    monkeypatch.setattr("neuromf.scheduled_job.ANSWER_S", 2)
    squeue(answer)
    assert HOLDER.has_ended() is gone


@pytest.mark.parametrize(
    ("job", "here"),
    [
        (HOLDER, {"CLUSTER_NAME": "beta"}), (HOLDER, {"JOB_ID": "", "CLUSTER_NAME": ""}), (HOLDER, {"JOB_ID": "7"}),
        (replace(HOLDER, cluster=""), {}), (ScheduledJob(), {}),
    ],
)  # fmt: skip
def test_the_scheduler_is_asked_of_its_own_cluster_alone(squeue, monkeypatch, tmp_path, job, here):
    """The same id elsewhere is another job, and without SLURM there is nobody to ask."""
    squeue("echo COMPLETED")
    for name, value in here.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert not job.has_ended()
    assert not (tmp_path / "asked").exists()


def test_without_a_scheduler_nobody_is_taken_to_be_gone(squeue, monkeypatch, tmp_path):
    """Its programs are missing on this node."""
    squeue("echo COMPLETED")
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert not HOLDER.has_ended()


@pytest.mark.parametrize(("answer", "taken"), [("echo COMPLETED", True), ("echo RUNNING", False)])
def test_without_flock_the_lock_of_a_job_that_is_over_is_taken(squeue, monkeypatch, tmp_path, answer, taken):
    """On another node; where the job runs, the sentence names it."""

    def flock(_descriptor, _operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", flock)
    squeue(answer)
    path = tmp_path / ".lock"
    path.write_text(replace(Holder.here(by_flock=False), host="elsewhere", job="7").text())
    if taken:
        Lock(path, what=path, whose="another training").release()
    else:
        with pytest.raises(InputError, match="on elsewhere in job 7, since"):
            Lock(path, what=path, whose="another training")


def test_another_cluster_s_turn_of_that_number_is_not_a_later_one(monkeypatch):
    """Two clusters that share a file system count their jobs alike."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "alpha")
    assert HOLDER.is_past()
    assert not replace(HOLDER, cluster="beta").is_past()
    assert not replace(HOLDER, turn="1").is_past()
