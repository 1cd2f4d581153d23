"""Samples of an average velocity: noise of a seed, and steps from t = 1 (noise) to t = 0 (data)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

SAMPLING = 3
"""Stream of the counter-based generator that samples are drawn from."""


def sampling_noise(shape: tuple[int, ...], seed: int, index: int) -> Tensor:
    """Noise of sample `index` of a seed (C, D, H, W); a function of the two alone, so that every machine draws it."""
    philox = np.random.Philox(key=[seed, SAMPLING], counter=[0, 0, index, 0])
    return torch.from_numpy(np.random.Generator(philox).standard_normal(shape, dtype=np.float32))


def time_grid(steps: int, t_min: float) -> list[float]:
    """Times from 1 to 0; the last step begins at t_min or above, below which the network was not trained."""
    if 1 / steps >= t_min:
        return [1 - step / steps for step in range(steps)] + [0.0]
    return [1 - (1 - t_min) * step / (steps - 1) for step in range(steps)] + [0.0]


@torch.no_grad()
def sample(velocity: Callable[[Tensor, Tensor, Tensor], Tensor], noise: Tensor, steps: int, t_min: float) -> Tensor:
    """Normalised latents of noise (B, C, D, H, W), by z_r = z_t - (t - r) u(z_t, r, t) from t to r.

    Args:
        velocity: u(z, r, t).
        noise: standard normal.
        steps: evaluations of the velocity, at least 1.
        t_min: smallest t it was trained at.
    """
    if not steps >= 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    z = noise
    for t, r in pairwise(time_grid(steps, t_min)):
        t_B, r_B = noise.new_full((len(z),), t), noise.new_full((len(z),), r)
        z = z - (t_B - r_B).reshape(-1, 1, 1, 1, 1) * velocity(z, r_B, t_B)
    return z
