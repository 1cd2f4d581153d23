"""`neuromf train` as torchrun starts it: two processes, one run, the command unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_command
from tiny_run import TINY

from neuromf.trace.reader import read_trace

ROOT = Path(__file__).parents[2]
SETTINGS = [part for override in (*TINY, "training.gpus=2") for part in ("--set", override)]


def arguments(out, *more):
    return ["train", "smoke", "--out", str(out), "--device", "cpu", *SETTINGS, *more]


def torchrun(cache, *more):
    """Two gloo processes on this machine."""
    environment = {**os.environ, "NEUROMF_CACHE": str(cache), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "tools.cli", *map(str, more)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_a_run_under_torchrun_is_the_run_of_one_process_and_goes_on_as_one(tmp_path, monkeypatch, capsys):
    """Two processes train four steps; the last two are made by one; batches are those of one process throughout."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    alone = run_command(monkeypatch, capsys, *arguments(tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr

    shared = torchrun(tmp_path / "cache", *arguments(tmp_path / "shared", "--max-steps", "4"))
    assert shared.returncode == 0, shared.stderr
    assert shared.stdout.count("paused at --max-steps") == 1, "rank 0 alone speaks"
    resumed = run_command(monkeypatch, capsys, *arguments(tmp_path / "shared", "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    assert "step_00000004" in resumed.stdout

    one, two = (read_trace(tmp_path / name / "trace.csv") for name in ("alone", "shared"))
    assert list(one["batch_hash"]) == list(two["batch_hash"])
    assert list(one["frac_fm"]) == list(two["frac_fm"])
    for column in ("raw_total", "grad_norm", "param_rms"):
        # Two orders of adding up float32 gradients, six steps of Adam on: measured 6e-7.
        assert list(two[column]) == pytest.approx(list(one[column]), rel=1e-5)


def test_a_run_that_cannot_be_shared_is_refused_once(tmp_path):
    """Three micro-batches a step for two processes: one sentence from rank 0, and no folder."""
    refused = torchrun(
        tmp_path / "cache", *arguments(tmp_path / "run", "--set", "training.gpus=1"),
        "--set", "training.gradient_accumulation_steps=3",
    )  # fmt: skip
    assert refused.returncode != 0
    assert refused.stderr.count("neuromf: training.gradient_accumulation_steps: 3 micro-batches a step") == 1
    assert "exitcode  : 2" in refused.stderr
    assert not (tmp_path / "run").exists()
