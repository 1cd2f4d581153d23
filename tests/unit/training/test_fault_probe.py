"""The search for silent faults: what it need not pay for, and that it misses nothing by it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neuromf.monitor.checks.coverage import at_rest, unmoved
from neuromf.training.batches.source import BatchSource
from neuromf.training.step import fault_probe
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")


@pytest.fixture
def run(real_latents):
    """Two steps of a run are done: the net's output is no longer zero, so that each weight has a gradient."""
    config = make_tiny_config("training.learning_rate=0.001")
    state, source = initial_state(config, (1.0,) * 4, CPU), BatchSource(real_latents, config, CPU)
    for _ in range(2):
        train_step(state, source, config)
    return lambda: train_step(state, source, config)


def test_where_all_weights_moved_none_is_asked_for_its_reason(run, monkeypatch):
    """The dear question is not put in a healthy step, which is judged all the same."""
    monkeypatch.setattr(fault_probe, "unmoved", lambda *given: pytest.fail("asked"))
    assert run().checks.coverage.still == 0


def test_a_process_that_is_alone_takes_no_fingerprint(run, monkeypatch):
    """There is no replica to compare with, and none differs."""
    monkeypatch.setattr(fault_probe, "fingerprint", lambda *given: pytest.fail("taken"))
    assert run().checks.differing == (0,)


@pytest.mark.parametrize("step", [0.0, 1e-45, 1e-30, 1e-8, float("nan"), float("inf")])
def test_the_cheap_question_leaves_no_still_weight_out(step):
    """Whatever `unmoved` counts, `at_rest` counts too; a step too small for its square is asked about in full."""
    weights = nn.Parameter(torch.ones(3))
    weights.grad = torch.ones(3)
    moved = [torch.tensor([0.0, step, 0.0])]
    still = int(unmoved([weights], moved, 1e-3, 1e-8))
    assert still == int(step == 0)
    assert int(at_rest(moved)) >= still
