"""What is measured before the first step, against fields whose derivatives are known."""

import pytest
import torch
from torch import nn

from neuromf.flow.batch import Batch
from neuromf.flow.path import broadcast_time, interpolate
from neuromf.flow.settings import ObjectiveSettings
from neuromf.monitor.checks.probes import derivative_error, randomised_copy, temporal_ratio

SETTINGS = ObjectiveSettings(prediction="u")
GENERATOR = torch.Generator().manual_seed(0)
BATCH = Batch(
    *(torch.randn((3, 4, 2, 2, 2), generator=GENERATOR) for _ in range(2)),
    r_B=torch.tensor([0.1, 0.3, 0.2]),
    t_B=torch.tensor([0.4, 0.9, 0.2]),
)


class Mixed(nn.Module):
    """u = W z t^power, with W a convolution, which autocast narrows."""

    def __init__(self, power=2):
        super().__init__()
        self.mix, self.power = nn.Conv3d(4, 4, 1, bias=False), power
        with torch.no_grad():
            self.mix.weight.copy_(torch.linspace(-1, 1, 16).reshape(self.mix.weight.shape))

    def forward(self, z, r_B, t_B):
        """The field at points `z` (B, 4, ...)."""
        return self.mix(z) * broadcast_time(t_B, z) ** self.power


@pytest.mark.law("JVP-005")
@pytest.mark.parametrize("power", [1, 2, 7])
def test_the_rate_in_time_is_that_of_the_output_at_the_samples_times(power):
    """Of t^n z it is n t^(n-1) z, with the point held still; all samples count by their size."""
    z, t = interpolate(BATCH.x, BATCH.e, BATCH.t_B), broadcast_time(BATCH.t_B, BATCH.x)
    mixed = Mixed(power).mix(z).detach()
    expected = float((power * t ** (power - 1) * mixed).norm() / (t**power * mixed).norm())
    assert temporal_ratio(Mixed(power), BATCH) == pytest.approx(expected, rel=1e-5)


@pytest.mark.law("JVP-003")
@pytest.mark.parametrize(
    ("settings", "precision", "least", "most"),
    [
        # The same passes twice; then bf16's 8 bits; then a forward step of h: h/2 of the second derivative, here 2 to
        # 60 % of the first; then a central one, exact but for float32's digits lost over 2 h.
        ({}, "fp32", 0.0, 1e-6),
        ({"derivative_precision": "bf16"}, "fp32", 1e-4, 3e-2),
        ({"derivative_precision": "bf16"}, "bf16", 1e-4, 3e-2),
        ({"derivative_precision": "fp32"}, "bf16", 0.0, 1e-6),
        ({"jvp": "finite_difference", "fd_step": 0.05}, "fp32", 1e-2, 0.6),
        ({"jvp": "finite_difference", "fd_step": 0.05, "fd_scheme": "central"}, "fp32", 0.0, 1e-2),
        ({"jvp": "finite_difference", "fd_step": 0.05, "fd_scheme": "central"}, "bf16", 1e-3, 1.0),
    ],
)
def test_the_derivative_that_is_configured_is_held_against_the_exact_one(settings, precision, least, most):
    """Method, step, scheme and number type are those of the training; the exact one in float32 has no error."""
    error = derivative_error(Mixed(), BATCH, ObjectiveSettings(prediction="u", **settings), precision)
    assert least <= error <= most


@pytest.mark.law("JVP-005")
def test_only_layers_that_are_zero_are_drawn_and_only_in_the_copy():
    """With the spread of their fan-in, the same for the same seed; a network that was trained keeps its weights."""
    net = nn.Sequential(nn.Linear(400, 300), nn.Linear(400, 300), nn.Linear(5, 2))
    with torch.no_grad():
        for parameter in net[1].parameters():
            parameter.zero_()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    copies = [randomised_copy(net, seed).state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())
    for name, value in kept.items():
        drawn = name.startswith("1.")
        assert torch.equal(copies[0][name], copies[1][name])
        assert torch.equal(copies[0][name], value) != drawn
        assert torch.equal(copies[0][name], copies[2][name]) != drawn
    assert float(copies[0]["1.weight"].std()) == pytest.approx(400**-0.5, rel=0.02)
    assert float(copies[0]["1.bias"].std()) == pytest.approx(300**-0.5, rel=0.2)
