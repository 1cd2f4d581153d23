"""A training says which device it computes on and keeps it; a GPU that was promised is never replaced in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from neuromf.cli.progress import ProgressFile
from neuromf.cli.starting import Start
from neuromf.cli.training import prepare
from neuromf.data.chosen import Cohort
from neuromf.monitor.events import read_events
from neuromf.report.run_facts import read_runs
from neuromf.training.device.facts import refuse_broken_promise
from neuromf.training.process_group.interruption import Interruption
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.run_folder import RunFolder
from tests.support.command_line import run_command
from tests.support.tiny_run import TINY, allow_blocked, make_tiny_config

ROOT = Path(__file__).parents[2]
PROMISE = "training.gpus is 2, but no GPU can be used"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def train(monkeypatch, capsys, cache, tmp_path):
    """Train the first step of a tiny run for two GPUs, in this process, on a machine without one."""
    monkeypatch.setenv("NEUROMF_CACHE", str(cache))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    settings = [*TINY, "training.gpus=2"]

    def call(*more, resume=False):
        options = allow_blocked(*settings)[: -2 if resume else None]
        return run_command(monkeypatch, capsys, "train", "smoke", "--out", tmp_path / "run", *options, *more)

    return call


def test_a_missing_demanded_gpu_ends_a_training_before_it_encodes(tmp_path):
    """Exit code 2 and one sentence, in a process of its own."""
    command = [sys.executable, "-m", "neuromf", "train", "smoke", "--out", str(tmp_path / "run"), "--device", "cuda"]
    own = {"PYTHONPATH": str(ROOT), "NEUROMF_CACHE": str(tmp_path / "cache"), "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "neuromf: --device: device 'cuda' is not to be had" in ended.stderr
    assert "CUDA_VISIBLE_DEVICES is ''" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_training_for_two_gpus_is_refused_on_the_cpu(train, tmp_path):
    """Nobody asked for the CPU: exit code 2, one sentence with the reason and the way out, nothing written."""
    ended = train("--max-steps", "1")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"neuromf: training.gpus: {PROMISE}: torch {torch.__version__} ")
    assert "--device cpu" in ended.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "variable", ["SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "CUDA_VISIBLE_DEVICES"]
)
def test_a_gpu_that_the_scheduler_gave_is_a_promise(train, monkeypatch, variable):
    """A job for one GPU, whose torch sees none, does not train on the CPU in silence."""
    monkeypatch.setenv(variable, "0")
    ended = train("--set", "training.gpus=1", "--max-steps", "1")
    assert ended.returncode == 2
    assert f"--device: {variable} is '0', but no GPU can be used: torch" in ended.stderr


@pytest.mark.parametrize("none", ["", "-1", "NoDevFiles"])
def test_a_job_that_was_given_no_gpu_is_promised_none(monkeypatch, none):
    """What the scheduler writes where it gave no GPU is no promise."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
    refuse_broken_promise(1, torch.device("cpu"))


def test_the_cpu_that_was_asked_for_is_taken(train, tmp_path):
    """--device cpu is the user's word; the record names the device."""
    ended = train("--device", "cpu", "--max-steps", "1")
    assert ended.returncode == 0, ended.stderr
    assert "trains on the CPU: " in ended.stdout
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (recorded["device"], recorded["ranks"]) == ("cpu", "1")
    assert recorded["device_name"] in ended.stdout


def test_scans_are_encoded_where_the_training_computes(monkeypatch, tmp_path):
    """The autoencoder of a training on a GPU computes there too, and workers prepare its scans."""
    store = SimpleNamespace(
        path=tmp_path, description=SimpleNamespace(content_hash="a"), scan_ids=lambda split: ["one"]
    )
    start = Start({"device": "cuda", "device_name": "NVIDIA A100", "ranks": "1"})
    asked = {}

    def make(config, on_progress, tell, on_look, **where):
        asked.update(where)
        return SimpleNamespace(store=store, keep=lambda run, real: None)

    monkeypatch.setattr("neuromf.cli.training.begin", make)
    signals = {"interrupted": Interruption(), "progress": ProgressFile()}
    prepare(
        make_tiny_config(), tmp_path / "run", ProcessGroup(), start, resume=False, gate="PASS", device="cuda:1",
        encoders=None, **signals,
    )  # fmt: skip
    assert asked.pop("cohort") == Cohort(make_tiny_config().data)
    assert asked == {"device": "cuda:1", "workers": None, "looked_over": False}


def test_a_run_that_goes_on_elsewhere_keeps_that_too(train, tmp_path):
    """An event at the step from which it goes on names both devices."""
    train("--device", "cpu", "--max-steps", "2")
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"device": "cuda", "device_name": "NVIDIA A100"}))
    ended = train("--device", "cpu", "--resume", "--max-steps", "3", resume=True)
    assert ended.returncode == 0, ended.stderr
    (event,) = [e for e in read_events(RunFolder(tmp_path / "run").events) if "NVIDIA A100" in e.message]
    assert (event.step, event.level) == (2, "info")
    assert "was started on cuda (NVIDIA A100, 1 process)" in event.message


def test_a_run_without_a_recorded_device_goes_on(train, tmp_path):
    """Without the new keys it resumes, and its report stands."""
    train("--device", "cpu", "--max-steps", "2")
    path = tmp_path / "run" / "run.json"
    recorded = json.loads(path.read_text())
    for key in ("device", "device_name", "ranks"):
        del recorded[key]
    path.write_text(json.dumps(recorded))
    assert train("--device", "cpu", "--resume", "--max-steps", "3", resume=True).returncode == 0
    assert read_runs([tmp_path / "run"])[0].environment["torch"] == recorded["torch"]


def test_samples_name_the_devices_that_draw_and_decode(train, monkeypatch, capsys, tmp_path):
    """Both do it on the device that was asked for."""
    train("--device", "cpu")
    ended = run_command(monkeypatch, capsys, "sample", tmp_path / "run", "--n", "1", "--device", "cpu")
    assert ended.returncode == 0, ended.stderr
    assert "draws and decodes on the CPU" in ended.stdout
