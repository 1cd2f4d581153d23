"""What a step records of its gradient, and that recording it changes nothing."""

from __future__ import annotations

import math

import pytest
import torch

from neuromf.monitor.checks.probes import randomised_copy
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")


def trainer(*overrides):
    config = make_tiny_config("training.gradient_clip=null", *overrides)
    latents = torch.randn(3, 4, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    state = initial_state(config, (1.0,) * 4, CPU)
    state.model.load_state_dict(randomised_copy(state.model, 0).state_dict())  # zero layers would stop the gradient
    return config, state, BatchSource(latents, config, CPU)


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("tangent", ["model", "v_head"])
def test_block_norms_add_up_to_the_global_norm(tangent):
    """The squared norms of the blocks add up to the squared global norm: no block is left out or averaged."""
    config, state, source = trainer(f"meanflow.tangent={tangent}")

    record = train_step(state, source, config)

    together = math.sqrt(sum(norm**2 for norm in record.block_norms.values()))
    # Float32 norms of some 90 tensors.
    assert together == pytest.approx(record.row["grad_norm"], rel=1e-5)


@pytest.mark.law("OPT-005")
def test_measuring_an_infinite_gradient_leaves_the_others_alone():
    """With one infinite gradient the recorded norm is infinite and every other gradient stays finite."""
    config, state, source = trainer()
    bias = state.model.backbone.out[2].conv.bias
    bias.register_hook(lambda gradient: gradient * math.inf)

    row = train_step(state, source, config).row

    assert row["grad_norm"] == math.inf
    others = [p.grad for p in state.model.parameters() if p.grad is not None and p is not bias]
    assert all(torch.isfinite(gradient).all() for gradient in others)
