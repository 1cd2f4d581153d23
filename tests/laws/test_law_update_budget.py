"""The numbers that law OPT-006 rests on: where weights start, and how far Adam can carry them."""

import pytest
import torch
from neuromf_spec.laws.optimiser import SMALLEST_JOURNEY
from neuromf_spec.reference.schedule import SCHEDULES, lr_multiplier
from neuromf_spec.registry import law

from neuromf.config.load import load_config
from neuromf.facts.training_arguments import summed_multiplier
from neuromf.nets.unet import build_unet
from neuromf.training.step.optimiser import build_optimiser

pytestmark = pytest.mark.law("OPT-006")


def root_mean_square(tensors):
    return float(torch.sqrt(sum(t.double().square().sum() for t in tensors) / sum(t.numel() for t in tensors)))


def test_the_smallest_journey_is_shorter_than_the_weights_are_long():
    """The U-Net of the smoke recipe starts with a root mean square of 0.028, measured; the bound lies below it."""
    net = build_unet(load_config("smoke").unet, v_head=False, seed=0)
    start = root_mean_square([p.detach() for p in net.parameters() if p.ndim > 1 and bool(p.any())])
    assert start == pytest.approx(0.028, rel=0.05)
    assert start > SMALLEST_JOURNEY


@pytest.mark.parametrize("kind", ["noise", "constant"])
def test_adam_carries_no_weight_further_than_its_rates_add_up_to(kind):
    """Over 200 updates with any gradient, no weight moves further than the sum of the rates."""
    config = load_config("recommended").training
    model = torch.nn.Linear(500, 1, bias=False)
    weight = model.weight
    torch.nn.init.zeros_(weight)
    optimiser = build_optimiser(model, config)
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        weight.grad = torch.randn(weight.shape, generator=generator) if kind == "noise" else torch.ones(weight.shape)
        optimiser.step()
    assert float(weight.detach().abs().max()) <= 200 * config.learning_rate * (1 + 1e-4)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (7, 0), (7, 3), (7, 7), (7, 20), (500, 100)])
def test_the_rates_add_up_in_closed_form(schedule, steps, warmup):
    """The closed form of the summed multiplier equals the sum over every step."""
    summed = sum(lr_multiplier(step, steps, warmup, schedule) for step in range(steps))
    assert summed_multiplier(steps, warmup, schedule) == pytest.approx(summed, rel=1e-12)


@pytest.mark.parametrize(
    ("steps", "rates", "scratch", "passed", "severity"),
    [
        (999, 1.0, True, False, None),
        (1_000, 1.0, True, True, "info"),
        (1_859, 1.0, True, True, "info"),
        (1_860, 1.0, True, True, None),
        (10_000, 0.0099, True, False, None),
        (10_000, 0.01, True, True, None),
        (10_000, 0.0001, False, True, None),
        (10_000, float("nan"), True, False, None),
    ],
)
def test_a_short_run_and_a_short_journey_are_told(steps, rates, scratch, passed, severity):
    """Below 1,000 updates or a journey of 0.01 from scratch the law falls; below the shortest known run it is told."""
    finding = law("OPT-006").predicate(optimiser_steps=steps, learning_rate_sum=rates, from_scratch=scratch)
    assert (finding.passed, finding.severity) == (passed, severity)
