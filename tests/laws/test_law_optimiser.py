"""The trainer's optimiser, average and batch against laws OPT-001, OPT-002, EMA-001, BATCH-001 and BATCH-002."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.laws.ema import half_life
from neuromf_spec.reference.adam import adamw
from neuromf_spec.reference.ema import average
from neuromf_spec.registry import law
from torch import nn

from neuromf.config import Config, run_facts
from neuromf.config.schema import TrainingConfig
from neuromf.monitor.checks.coverage import coverage, unmoved
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.ema import Ema
from neuromf.training.step.optimiser import build_optimiser, clip, set_learning_rate
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.law_strategies import SEEDS, randomised_unet, relative_error
from tests.support.tiny_run import make_tiny_config


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
    assert law("EMA-001").predicate(decay=0.99, ema_updates=steps, optimiser_steps=steps).passed
    assert not law("EMA-001").predicate(decay=0.99, ema_updates=steps * accumulation, optimiser_steps=steps).passed


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


def covered(model, optimiser, still=0):
    return law("OPT-002").predicate(**asdict(coverage(model, optimiser, still)))


@pytest.mark.law("OPT-002")
@pytest.mark.parametrize("optimiser", ["adamw", "adam"])
@pytest.mark.parametrize("v_head", [False, True])
def test_the_optimiser_holds_every_parameter_of_the_unet_once(optimiser, v_head):
    """Both optimisers hold all parameters of the U-Net, its second head included; one too few breaks the law."""
    model = randomised_unet(0, v_head=v_head)
    built = build_optimiser(model, TrainingConfig(optimiser=optimiser))
    assert covered(model, built).passed
    built.param_groups[0]["params"].pop()
    assert not covered(model, built).passed


@pytest.mark.law("OPT-002")
def test_a_parameter_added_after_the_optimiser_breaks_the_law():
    """A head that is attached once the optimiser is built would never train."""
    model = randomised_unet(0)
    optimiser = build_optimiser(model, TrainingConfig())
    model.late_head = nn.Linear(2, 2)
    assert not covered(model, optimiser).passed


@pytest.mark.law("OPT-002")
def test_a_parameter_held_twice_breaks_the_law():
    """A parameter in two groups is stepped twice."""
    model = model_with(np.ones(3))
    optimiser = build_optimiser(model, TrainingConfig())
    optimiser.param_groups.append({**optimiser.param_groups[0]})
    assert not covered(model, optimiser).passed


@pytest.mark.law("OPT-002")
@given(seed=SEEDS, rate=st.floats(1e-4, 1e-1), frozen=st.booleans())
def test_a_parameter_that_stands_still_under_a_gradient_is_counted(seed, rate, frozen):
    """Adam moves every weight that has a gradient; one whose step is undone is found."""
    model = model_with(np.random.default_rng(seed).standard_normal(4))
    optimiser = build_optimiser(model, TrainingConfig())
    before = model.weights.detach().clone()
    model.weights.grad = torch.ones(4, dtype=torch.float64)
    set_learning_rate(optimiser, rate)
    optimiser.step()
    if frozen:
        with torch.no_grad():
            model.weights.copy_(before)
    still = int(unmoved([model.weights], [model.weights.detach() - before], rate, 1e-8))
    assert still == int(frozen)
    assert covered(model, optimiser, still).passed == (not frozen)


@pytest.mark.law("OPT-002")
@pytest.mark.parametrize(("gradient", "rate"), [(0.0, 1e-3), (1e-12, 1e-3), (1.0, 1e-9)])
def test_a_step_that_rounding_may_swallow_is_not_counted(gradient, rate):
    """No gradient, one below Adam's epsilon, or a rate below a unit in the last place is no reason for an alarm."""
    weights = nn.Parameter(torch.ones(2))
    weights.grad = torch.full((2,), gradient)
    assert int(unmoved([weights], [torch.zeros(2)], rate, 1e-8)) == 0


@pytest.mark.law("BATCH-002")
@given(seed=st.integers(0, 100), cut=st.sampled_from([(1, 12), (2, 6), (3, 4), (4, 3), (6, 2)]), ranks=st.booleans())
@settings(max_examples=8)
def test_an_update_does_not_depend_on_how_it_is_cut(seed, cut, ranks):
    """Twelve samples as one micro-batch, or as any cut into GPUs and accumulation, give one gradient."""
    size, parts = cut
    gpus = 2 if ranks and parts % 2 == 0 else 1
    gradients = []
    for micro, count, devices in ((12, 1, 1), (size, parts // gpus, gpus)):
        config = make_tiny_config(
            f"training.batch_size_per_gpu={micro}",
            f"training.gradient_accumulation_steps={count}",
            f"training.gpus={devices}",
            f"training.seed={seed}",
            "training.gradient_clip=null",
        )
        state = initial_state(config, (1.0,) * 4, torch.device("cpu"))
        latents = torch.from_numpy(np.random.default_rng(seed).standard_normal((5, 4, 8, 8, 8)).astype(np.float32))
        train_step(state, BatchSource(latents, config, torch.device("cpu")), config)
        gradients.append(torch.cat([p.grad.flatten() for p in state.model.parameters() if p.grad is not None]))
    assert law("BATCH-002").predicate(difference=relative_error(*gradients)).passed


@pytest.mark.law("EMA-001")
def test_an_average_in_bfloat16_stands_still():
    """A bfloat16 average with decay 0.999 stops a third of the way, which the law rejects; float32 arrives."""
    narrow, wide = torch.zeros(1, dtype=torch.bfloat16), torch.zeros(1)
    for _ in range(20_000):
        narrow.lerp_(torch.ones(1, dtype=torch.bfloat16), 1e-3)
        wide.lerp_(torch.ones(1), 1e-3)
    assert float(narrow) < 0.5
    assert float(wide) == pytest.approx(1.0, abs=1e-4)
    arguments = {"decay": 0.999, "optimiser_steps": 20_000}
    assert not law("EMA-001").predicate(**arguments, dtype="bfloat16").passed
    assert law("EMA-001").predicate(**arguments, dtype="float32").passed


@pytest.mark.law("OPT-005")
@given(seed=SEEDS, size=st.floats(1e-6, 1e6), limit=st.floats(1e-6, 1e6))
def test_the_clip_shortens_the_whole_gradient_to_the_limit(seed, size, limit):
    """Gradients of any size, over several parameters, keep their direction and have the limit's norm or their own."""
    layers = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    generator = torch.Generator().manual_seed(seed % 2**31)
    for parameter in layers.parameters():
        parameter.grad = size * torch.randn(parameter.shape, generator=generator)
    before = torch.cat([parameter.grad.flatten() for parameter in layers.parameters()])
    clip(layers.parameters(), before.norm(), limit)
    after = torch.cat([parameter.grad.flatten() for parameter in layers.parameters()])
    asked = {"before": float(before.norm()), "after": float(after.norm()), "limit": limit}
    judged = law("OPT-005").predicate(**asked)
    assert judged.passed, judged
    assert float(after.norm()) <= limit * (1 + 1e-3)
    assert torch.allclose(after / after.norm(), before / before.norm(), atol=1e-6)


@pytest.mark.law("OPT-005")
@pytest.mark.parametrize(("after", "limit"), [(2.0, 1.0), (0.5, 1.0), (1.0, None), (math.nan, 1.0)])
def test_a_gradient_of_another_length_breaks_the_law(after, limit):
    """Not clipped, clipped too far, clipped unasked, or no number: of a gradient of norm 3 each is told."""
    assert not law("OPT-005").predicate(before=3.0, after=after, limit=limit).passed
