"""How the trainer's own step joins gradient, optimiser and average: laws OPT-002, EMA-001, BATCH-002 and NUM-001."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from neuromf_spec.registry import law

from neuromf.monitor.checks.coverage import coverage
from neuromf.monitor.checks.probes import randomised_copy
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.law_strategies import relative_error
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")


def trainer(*overrides):
    """Configuration, state before the first step, and a source of 5 latents of 4 x 8^3."""
    config = make_tiny_config("training.gradient_clip=null", *overrides)
    latents = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 4, 8, 8, 8)).astype(np.float32))
    return config, initial_state(config, (1.0,) * 4, CPU), BatchSource(latents, config, CPU)


def weights_of(state):
    return torch.cat([parameter.detach().flatten() for parameter in state.model.parameters()])


def gradient_of(state):
    return torch.cat([parameter.grad.flatten() for parameter in state.model.parameters() if parameter.grad is not None])


@pytest.mark.law("OPT-002")
def test_the_trainers_own_optimiser_holds_and_moves_every_parameter():
    """The optimiser of a new run holds each parameter of its model once, and a step moves all that have a gradient."""
    config, state, source = trainer()
    state.model.load_state_dict(randomised_copy(state.model, 0).state_dict())  # zero layers would stop the gradient
    assert law("OPT-002").predicate(**asdict(coverage(state.model, state.optimiser))).passed
    before = {name: value.detach().clone() for name, value in state.model.named_parameters()}
    record = train_step(state, source, config)
    assert law("OPT-002").predicate(**asdict(record.checks.coverage)).passed
    assert [name for name, value in state.model.named_parameters() if torch.equal(value, before[name])] == []


@pytest.mark.law("BATCH-002")
def test_a_step_s_gradient_is_its_own():
    """The second step's gradient is that of its batch alone, whatever step came before it."""
    config, state, source = trainer()
    train_step(state, source, config)
    _, fresh, _ = trainer()
    fresh.model.load_state_dict(state.model.state_dict())
    fresh.step = state.step
    for either in (state, fresh):
        train_step(either, source, config)
    assert law("BATCH-002").predicate(difference=relative_error(gradient_of(state), gradient_of(fresh))).passed


@pytest.mark.law("EMA-001")
def test_the_average_takes_in_the_step_s_own_weights():
    """After one step the average is decay times the weights before it and the rest those after it."""
    config, state, source = trainer("ema.decay=0.5", "training.learning_rate=0.1")
    before = weights_of(state)
    train_step(state, source, config)
    averaged = torch.cat([value.flatten() for value in state.ema.shadow.values()])
    assert (weights_of(state) - before).abs().max() > 0.01
    # One rounding of weights below 1.
    assert torch.allclose(averaged, 0.5 * (before + weights_of(state)), rtol=0, atol=1e-6)


@pytest.mark.law("NUM-001")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_advances_on_a_non_finite_gradient(value):
    """A finite loss whose gradient is not finite leaves weights, average and step as they were."""
    config, state, source = trainer()
    before, average = weights_of(state), {name: mean.clone() for name, mean in state.ema.shadow.items()}
    state.model.backbone.out[2].conv.bias.register_hook(lambda gradient: gradient * value)
    row = train_step(state, source, config).row
    assert np.isfinite(row["raw_total"])
    assert not law("NUM-001").predicate(loss=row["raw_total"], gradient_norm=row["grad_norm"]).passed
    assert state.step == 0
    assert torch.equal(weights_of(state), before)
    assert all(torch.equal(mean, average[name]) for name, mean in state.ema.shadow.items())
