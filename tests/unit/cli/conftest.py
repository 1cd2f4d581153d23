"""A training loop that trains nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import neuromf.cli.training
from neuromf.training import loop
from neuromf.training.loop import Ending


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """Arguments of each call of the training loop, which does nothing here."""
    calls = []
    description = SimpleNamespace(content_hash="a" * 64)
    store = SimpleNamespace(path=tmp_path, description=description, scan_ids=lambda name: ["one"], manifest=["one"])
    beginning = SimpleNamespace(store=store, keep=lambda run, real: None)

    def train(config, latents, run, **options):
        calls.append(options)
        return loop.Outcome(Ending.PAUSED if len(calls) < 3 else Ending.INTERRUPTED, 1)

    monkeypatch.setattr(neuromf.cli.training, "begin", lambda config, on_progress, tell, **_: beginning)
    monkeypatch.setattr(neuromf.cli.training, "go_on", lambda run, config, on_progress, real, **_: store)
    monkeypatch.setattr(neuromf.cli.training, "StoredLatents", lambda store, split: torch.zeros(3, 4, 8, 8, 8))
    monkeypatch.setattr(loop, "train", train)
    return calls
