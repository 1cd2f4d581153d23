"""The straight path between data and noise (law PATH-001)."""

from __future__ import annotations

from torch import Tensor


def broadcast_time(t_B: Tensor, z: Tensor) -> Tensor:
    """Reshape times (B,) to (B, 1, ...) so that they multiply `z` (B, ...)."""
    return t_B.reshape(-1, *(1,) * (z.ndim - 1))


def interpolate(x: Tensor, e: Tensor, t_B: Tensor) -> Tensor:
    r"""Point on the path: :math:`z_t = (1 - t)\,x + t\,e` (MeanFlow, arXiv:2505.13447, section 3).

    Args:
        x: data (B, ...), in units of the normalised latent.
        e: standard normal noise, shaped like `x`.
        t_B: time, 0 at the data and 1 at the noise.
    """
    t = broadcast_time(t_B, x)
    return (1 - t) * x + t * e


def conditional_velocity(x: Tensor, e: Tensor) -> Tensor:
    r"""Velocity of the path given its ends: :math:`v_c = dz_t/dt = e - x`."""
    return e - x
