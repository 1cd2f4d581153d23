"""What the train command hands on to the training loop."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from tiny_run import TINY
from typer.testing import CliRunner

import neuromf.train.latents
import neuromf.train.loop
from tools.cli import app

OPTIONS = [part for override in TINY for part in ("--set", override)]


@pytest.fixture
def trained(monkeypatch):
    """Arguments of each call of the training loop, which does nothing here."""
    calls = []
    store = SimpleNamespace(
        description=SimpleNamespace(content_hash="a" * 64), split=lambda name: torch.zeros(3, 4, 8, 8, 8)
    )

    def train(config, latents, run, **options):
        calls.append(options)
        return neuromf.train.loop.Outcome(neuromf.train.loop.Ending.PAUSED, 1)

    monkeypatch.setattr(neuromf.train.latents, "training_store", lambda config, on_progress: store)
    monkeypatch.setattr(neuromf.train.loop, "train", train)
    return calls


def test_resume_and_max_steps_reach_the_loop(tmp_path, trained):
    """A new run is started as new, --resume and --max-steps are passed on as they are given."""
    run = ["train", "smoke", "--out", str(tmp_path / "run"), "--device", "cpu", *OPTIONS]
    results = [CliRunner().invoke(app, [*run, *more]) for more in (["--max-steps", "1"], ["--resume"])]

    assert [result.exit_code for result in results] == [0, 0]
    assert [(call["resume"], call["max_steps"]) for call in trained] == [(False, 1), (True, None)]
