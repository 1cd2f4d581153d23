"""A sweep's commands as jobs of a cluster: how they end, and what becomes of those of a sweep that was killed."""

import pytest

from neuromf.errors import InputError
from neuromf.launch.submitit_jobs import WorkerResources
from neuromf.sweep.jobs import EndedCommand, SweepCommand
from neuromf.sweep.slurm_jobs import SlurmJobs
from tests.support.fake_slurm import FakeSlurm


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A machine on which SLURM seems to run, and whose `scancel` keeps what it was asked."""
    fake = FakeSlurm(tmp_path / "slurm", monkeypatch)
    (fake.folder / "scancel").write_text(f'#!/bin/bash\necho "$@" >> {fake.folder}/cancelled\n', encoding="utf-8")
    return fake


def opened(tmp_path):
    return SlurmJobs(tmp_path / "jobs", 2, WorkerResources(minutes=5), poll=0.05, look=0.05)


def command(tmp_path, *arguments):
    return SweepCommand("an arm/seed-0/3", arguments, tmp_path / "logs" / "seed-0.log")


@pytest.mark.parametrize(("arguments", "code"), [(("--version",), 0), (("train", "smoek"), 2)])
def test_a_job_ends_with_its_commands_code_and_log(cluster, tmp_path, arguments, code):
    """What the command prints is in the log of its training, as on this machine."""
    jobs, asked = opened(tmp_path), command(tmp_path, *arguments)
    jobs.start(asked)
    assert jobs.wait() == [EndedCommand(asked.key, code)]
    assert "neuromf" in asked.log.read_text()


def test_a_job_that_left_the_queue_has_no_code(cluster, tmp_path):
    """As one whose node was lost: the sweep begins it again, from its last checkpoint."""
    cluster.will("dies")
    jobs = opened(tmp_path)
    jobs.start(command(tmp_path, "--version"))
    cluster.queue.write_text("8\n", encoding="utf-8")
    assert [ended.code for ended in jobs.wait()] == [None]


def test_a_cluster_that_takes_no_job_is_told_in_a_sentence(cluster, tmp_path):
    """With what it said, and what can be changed."""
    cluster.will("refuses")
    with pytest.raises(InputError, match=r"SLURM does not take the job \(.*invalid partition.*--slurm-partition"):
        opened(tmp_path).start(command(tmp_path, "--version"))


def test_jobs_of_a_killed_sweep_are_cancelled_by_the_next(cluster, tmp_path):
    """Those that are still in the queue: they would write into the folders of the new ones."""
    cluster.will("dies")
    opened(tmp_path).start(command(tmp_path, "--version"))
    cluster.queue.write_text("7\n8\n", encoding="utf-8")
    opened(tmp_path)
    assert (cluster.folder / "cancelled").read_text().split() == ["7"]


def test_a_sweep_that_ends_cancels_its_jobs(cluster, tmp_path):
    """SLURM ends them with a signal, at which they save."""
    cluster.will("dies")
    jobs = opened(tmp_path)
    jobs.start(command(tmp_path, "--version"))
    jobs.close()
    assert (cluster.folder / "cancelled").read_text().split() == ["7"]
