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


@torch.no_grad()
def sample(field: Field, noise: Tensor, steps: int = 1) -> Tensor:
    """Data from noise in `steps` equal steps from t = 1 to t = 0; one step is x = e - u(e, 0, 1).

    Args:
        field: the average velocity field.
        noise: standard normal noise (B, ...).
        steps: number of field evaluations, at least 1.
    """
    if not steps >= 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    grid = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float64).to(noise)
    z = noise
    for t, r in pairwise(grid):
        z = step_back(field, z, r.expand(len(z)), t.expand(len(z)))
    return z
