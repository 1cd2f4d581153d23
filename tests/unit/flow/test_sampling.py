"""Sampling: exact on fields with a closed form, whatever the number of steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuromf.flow.path import broadcast_time
from neuromf.flow.prediction import average_velocity
from neuromf.flow.sampling import sample, time_grid

GENERATOR = torch.Generator().manual_seed(0)
NOISE = torch.randn(3, 4, 2, 2, 2, generator=GENERATOR, dtype=torch.float64)
TARGET = torch.randn(3, 4, 2, 2, 2, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 2, 19, 20, 21, 25, 50, 100])
def test_a_perfect_x_prediction_is_sampled_exactly_at_any_number_of_steps(steps):
    """The clamp of 1/t leaves no noise behind, also where equal steps would end below t_min."""

    def field(z, r_B, t_B):
        return average_velocity(TARGET, z, t_B, "x", 0.05)

    # Each of up to 100 steps rounds numbers below 5 / t_min once.
    assert torch.allclose(sample(field, NOISE, steps, t_min=0.05), TARGET, rtol=0, atol=1e-11)


@pytest.mark.parametrize("steps", [1, 3, 40])
def test_a_field_linear_in_time_is_integrated_exactly(steps):
    """U is an average, so any number of steps of v = 2t + 1 moves by exactly 2."""

    def field(z, r_B, t_B):
        return broadcast_time(r_B + t_B + 1, z).expand_as(z)

    assert torch.allclose(sample(field, NOISE, steps), NOISE - 2, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 20, 21, 100])
@pytest.mark.parametrize("t_min", [0.0, 0.05, 0.3])
def test_the_grid_falls_from_one_to_zero_and_never_evaluates_below_t_min(steps, t_min):
    """`steps` evaluations, each at t_min or above."""
    grid = time_grid(steps, t_min)

    assert (grid[0], grid[-1], len(grid)) == (1.0, 0.0, steps + 1)
    assert (np.diff(grid) < 0).all()
    # One rounding of 1 - (1 - t_min).
    assert min(grid[:-1]) >= t_min - 1e-15


def test_no_steps_are_refused():
    """Zero evaluations make no sample."""
    with pytest.raises(ValueError, match="at least 1"):
        sample(lambda z, r, t: z, NOISE, 0)
