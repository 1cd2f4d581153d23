"""The trainer's optimiser, average and batch against laws OPT-001, EMA-001 and BATCH-001."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from law_strategies import SEEDS
from torch import nn

from neuromf.config import Config, run_facts
from neuromf.config.schema import TrainingConfig
from neuromf.train.ema import Ema
from neuromf.train.optim import build_optimiser, set_learning_rate
from spec.laws.ema import half_life
from spec.reference.adam import adamw
from spec.reference.ema import average
from spec.registry import law


def model_with(values):
    model = nn.Module()
    model.weights = nn.Parameter(torch.from_numpy(values.copy()))
    return model


@pytest.mark.law("OPT-001")
@given(
    seed=SEEDS,
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0, 0.9999),
    weight_decay=st.floats(0, 0.1),
    steps=st.integers(1, 12),
)
def test_optimiser_is_adamw_with_bias_correction(seed, beta1, beta2, weight_decay, steps):
    """The trainer's updates are those of AdamW written out by hand, both moments bias-corrected, at any rates."""
    generator = np.random.default_rng(seed)
    start, gradients = generator.standard_normal(5), generator.standard_normal((steps, 5))
    rates = generator.uniform(1e-5, 1e-2, steps)
    model = model_with(start)
    optimiser = build_optimiser(model, TrainingConfig(beta1=beta1, beta2=beta2, weight_decay=weight_decay))
    history = []
    for gradient, rate in zip(gradients, rates, strict=True):
        model.weights.grad = torch.from_numpy(gradient)
        set_learning_rate(optimiser, rate)
        optimiser.step()
        history.append(model.weights.detach().numpy().copy())
    hand = adamw(start, gradients, rates, beta1=beta1, beta2=beta2, epsilon=1e-8, weight_decay=weight_decay)
    # Relative to the update's own size, 1e-5 or more: sums of 12 terms in float64.
    np.testing.assert_allclose(np.array(history) - start, np.array(hand) - start, rtol=1e-9, atol=1e-14)


@pytest.mark.law("OPT-001")
@given(beta2=st.floats(0.5, 0.98))
def test_window_is_how_long_the_second_moment_remembers(beta2):
    """After 1/(1 - beta2) unit gradients the trainer's second moment holds 1 - 1/e of them, or a bit more."""
    model = model_with(np.zeros(1))
    optimiser = build_optimiser(model, TrainingConfig(beta2=beta2))
    steps = round(1 / (1 - beta2))
    for _ in range(steps):
        model.weights.grad = torch.ones(1, dtype=torch.float64)
        optimiser.step()
    held = optimiser.state[model.weights]["exp_avg_sq"].item()
    # beta2^(1/(1 - beta2)) rises from 1/4 at 1/2 to 1/e; rounding to whole steps moves it by less than 0.1 here.
    assert 1 - math.exp(-1) - 0.1 <= held <= 0.85
    bound = law("OPT-001").predicate
    assert bound(beta1=0.9, beta2=beta2, optimiser_steps=20 * steps + 20).passed
    assert not bound(beta1=0.9, beta2=beta2, optimiser_steps=20 * steps - 20).passed


@pytest.mark.law("EMA-001")
@given(seed=SEEDS, decay=st.floats(0.5, 0.9999), steps=st.integers(1, 40))
def test_average_is_the_closed_form(seed, decay, steps):
    """After any number of updates the average is the weighted sum of all weights so far, kept in float32."""
    trail = np.random.default_rng(seed).standard_normal((steps + 1, 6)).astype(np.float32)
    model = model_with(trail[0])
    ema = Ema(model, decay)
    for weights in trail[1:]:
        with torch.no_grad():
            model.weights.copy_(torch.from_numpy(weights))
        ema.update(model)
    expected = average(trail[0].astype(np.float64), list(trail[1:].astype(np.float64)), decay)
    shadow = ema.shadow["weights"]
    assert shadow.dtype == torch.float32
    # Each update rounds numbers of order 4 at most once, and later updates shrink what came before.
    np.testing.assert_allclose(shadow.numpy(), expected, rtol=0, atol=steps * 4 * np.finfo(np.float32).eps)


@pytest.mark.law("EMA-001")
@given(decay=st.floats(0.9, 0.999))
def test_half_life_halves_the_initial_weights(decay):
    """After ln 2 / -ln(decay) updates half of the initial weights is left."""
    steps = round(half_life(decay))
    model = model_with(np.ones(1))
    ema = Ema(model, decay)
    with torch.no_grad():
        model.weights.zero_()
    for _ in range(steps):
        ema.update(model)
    # Rounding to a whole update moves the share by half an update's decay.
    assert ema.shadow["weights"].item() == pytest.approx(0.5, abs=0.5 * (1 - decay) + 1e-4)


@pytest.mark.law("EMA-001")
@given(steps=st.integers(1, 2000), accumulation=st.integers(2, 16))
def test_an_update_per_micro_batch_breaks_the_law(steps, accumulation):
    """As many updates as micro-batches instead of optimiser steps are rejected."""
    assert law("EMA-001").predicate(ema_updates=steps, optimiser_steps=steps).passed
    assert not law("EMA-001").predicate(ema_updates=steps * accumulation, optimiser_steps=steps).passed


@pytest.mark.law("BATCH-001")
@given(micro=st.integers(1, 32), gpus=st.integers(1, 8), accumulation=st.integers(1, 64), share=st.floats(0, 1))
def test_effective_batch_is_the_product(micro, gpus, accumulation, share):
    """The trainer counts micro-batch x GPUs x accumulation samples an update, and MF samples as the law does."""
    config = Config.model_validate(
        {
            "training": {
                "batch_size_per_gpu": micro,
                "gpus": gpus,
                "gradient_accumulation_steps": accumulation,
                "epochs": 64,
            },
            "time_sampling": {"data_proportion": share},
        }
    )
    facts = run_facts(config)
    assert facts.effective_batch == micro * gpus * accumulation
    judged = law("BATCH-001").predicate(
        batch_size_per_gpu=micro, gpus=gpus, gradient_accumulation_steps=accumulation, data_proportion=share
    )
    assert judged.value == pytest.approx(facts.mf_samples_per_update, abs=1e-8)
    assert judged.passed == (facts.mf_samples_per_update >= 16 - 1e-8)
