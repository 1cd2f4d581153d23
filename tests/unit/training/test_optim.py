"""Which optimiser is built, and what is measured of its gradient."""

import pytest
import torch
from torch import nn

from neuromf.config.schema import TrainingConfig
from neuromf.training.step import optimiser
from neuromf.training.step.optimiser import (
    build_optimiser,
    clip,
    gradients,
    nonzeros,
    norms_of,
    root_mean_square,
    set_learning_rate,
)
from neuromf.training.step.schedule import lr_multiplier


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam)])
def test_the_named_optimiser_is_built_with_every_setting(name, kind):
    """Kind, rate, betas, epsilon and decay are the configuration's."""
    training = TrainingConfig(optimiser=name, learning_rate=0.3, beta1=0.1, beta2=0.2, adam_eps=0.4, weight_decay=0.5)
    optimiser = build_optimiser(nn.Linear(2, 2), training)
    (group,) = optimiser.param_groups
    assert type(optimiser) is kind
    assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (0.3, (0.1, 0.2), 0.4, 0.5)


def test_epsilon_damps_a_small_gradient():
    """A gradient of Adam's epsilon moves a weight by half of the rate in the first step."""
    weights = nn.ParameterList([nn.Parameter(torch.zeros(1, dtype=torch.float64))])
    optimiser = build_optimiser(weights, TrainingConfig(adam_eps=0.25))
    weights[0].grad = torch.full((1,), 0.25, dtype=torch.float64)
    set_learning_rate(optimiser, 1.0)
    optimiser.step()
    assert weights[0].item() == pytest.approx(-0.5, rel=1e-12)


def test_frozen_parameters_are_left_out():
    """A parameter that requires no gradient is not handed to the optimiser."""
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    (group,) = build_optimiser(model, TrainingConfig()).param_groups
    assert [id(parameter) for parameter in group["params"]] == [id(model.weight)]


@pytest.mark.parametrize(("limit", "expected"), [(1.0, 1.0), (100.0, 5.0)])
def test_a_clip_scales_the_whole_gradient_to_the_limit(limit, expected):
    """Above the limit the gradient keeps its direction and loses its length; below it nothing changes."""
    model = nn.Linear(1, 1)
    model.weight.grad, model.bias.grad = torch.full((1, 1), 3.0), torch.full((1,), 4.0)
    clip(model.parameters(), torch.tensor(5.0), limit)
    norm = float(torch.nn.utils.get_total_norm(gradients(model.parameters())))
    assert norm == pytest.approx(expected, rel=1e-5)
    assert float(model.bias.grad / model.weight.grad) == pytest.approx(4 / 3, rel=1e-6)


def test_parameters_without_gradient_have_none_to_list():
    """Only the gradients that exist are listed, and a clip passes over the others."""
    model = nn.Linear(1, 1)
    model.weight.grad = torch.ones(1, 1)
    clip(model.parameters(), torch.tensor(1.0), 0.5)
    assert len(gradients(model.parameters())) == 1


def test_root_mean_square_is_over_all_numbers_of_all_tensors():
    """The mean is over numbers, not over tensors: 3 ones and 1 three give sqrt(12 / 4)."""
    value = root_mean_square(norms_of([torch.ones(3), torch.full((1,), 3.0)]), 4)
    assert value.item() == pytest.approx(3**0.5, rel=1e-7)  # each norm is float32
    assert value.dtype == torch.float64


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize("at_a_time", [1, 4, 1 << 22])
def test_numbers_that_are_not_zero_are_counted_over_all_tensors(monkeypatch, at_a_time):
    """However many tensors are taken together; NaN is not zero."""
    monkeypatch.setattr(optimiser, "AT_A_TIME", at_a_time)
    tensors = [torch.tensor([0.0, 1.0, -2.0]), torch.zeros(4), torch.tensor([[float("nan"), 0.0], [1e-40, -0.0]])]
    assert nonzeros(tensors).item() == 4


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
@pytest.mark.parametrize(("step", "total", "warmup"), [(10, 10, 0), (15, 10, 0), (10, 10, 9), (1, 1, 1), (3, 2, 2)])
def test_the_rate_is_zero_once_a_falling_schedule_has_ended(schedule, step, total, warmup):
    """A step beyond the planned end learns nothing, and never with a negative rate; a run that is all warm-up too."""
    expected = 1.0 if total == warmup and step == warmup else 0.0
    assert lr_multiplier(step, total, warmup, schedule) == pytest.approx(expected, abs=1e-15)
