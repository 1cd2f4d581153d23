"""Sampling with an average velocity field: one step or many."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from neuromf.flow.jvp import Field
from neuromf.flow.path import broadcast_time


def step_back(field: Field, z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
    r"""Move from t to r: :math:`z_r = z_t - (t - r)\,u(z_t, r, t)` (MeanFlow, Eq. 12)."""
    return z - broadcast_time(t_B - r_B, z) * field(z, r_B, t_B)


def along_the_flow(field: Field) -> Field:
    """The instantaneous velocity u(z, t, t), which is all that a net knows that was trained at r = t alone.

    With many steps it is the sampler of flow matching; in one step it goes along a tangent.
    """
    return lambda z, r_B, t_B: field(z, t_B, t_B)


@torch.no_grad()
def sample(field: Field, noise: Tensor, steps: int = 1, t_min: float = 0.0) -> Tensor:
    """Data from noise in `steps` evaluations from t = 1 to t = 0; one step is x = e - u(e, 0, 1).

    Args:
        field: the average velocity field.
        noise: standard normal noise (B, ...).
        steps: number of field evaluations, at least 1.
        t_min: smallest t the field was trained at (law TIME-004). Equal steps that would evaluate it below are replaced
            by equal steps down to t_min and one from there to 0; with x-prediction the clamp would else leave noise in
            the sample, 1.6 % of it at 100 steps.
    """
    if not steps >= 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    z = noise
    for t, r in pairwise(time_grid(steps, t_min)):
        z = step_back(field, z, noise.new_full((len(z),), r), noise.new_full((len(z),), t))
    return z


def time_grid(steps: int, t_min: float) -> list[float]:
    """Times from 1 to 0 whose last step begins at t_min or above."""
    if 1 / steps >= t_min:
        return [1 - step / steps for step in range(steps)] + [0.0]
    return [1 - (1 - t_min) * step / (steps - 1) for step in range(steps)] + [0.0]
