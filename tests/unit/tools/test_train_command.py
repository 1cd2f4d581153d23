"""What the train command hands on to the training loop."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from tiny_run import TINY
from typer.testing import CliRunner

import tools.training
from neuromf.train import loop
from neuromf.train.loop import Ending
from tools.cli import app

OPTIONS = [part for override in TINY for part in ("--set", override)]


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Arguments of each call of the training loop, which does nothing here."""
    calls = []
    description = SimpleNamespace(content_hash="a" * 64)
    store = SimpleNamespace(path=tmp_path, description=description, scan_ids=lambda name: ["one"])

    def train(config, latents, run, **options):
        calls.append(options)
        return loop.Outcome(Ending.PAUSED if len(calls) < 3 else Ending.INTERRUPTED, 1)

    monkeypatch.setattr(tools.training, "training_store", lambda config, on_progress: store)
    monkeypatch.setattr(tools.training, "StoredLatents", lambda store, split: torch.zeros(3, 4, 8, 8, 8))
    monkeypatch.setattr(loop, "train", train)
    return calls


def test_resume_and_max_steps_reach_the_loop(tmp_path, trained):
    """A new run is new, --resume, --max-steps and --workers are passed on; a signal ends with exit code 75."""
    run = ["train", "smoke", "--out", str(tmp_path / "run"), "--device", "cpu", *OPTIONS]
    further = (["--max-steps", "1"], ["--resume"], ["--resume", "--workers", "3"])
    results = [CliRunner().invoke(app, [*run, *more]) for more in further]

    assert [result.exit_code for result in results] == [0, 0, 75]
    passed = [(call["resume"], call["max_steps"], call["workers"]) for call in trained]
    assert passed == [(False, 1, 0), (True, None, 0), (True, None, 3)]
