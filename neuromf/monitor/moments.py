"""Channel moments of latents: what a batch of them should show (law DATA-003)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.data.latent_set import LatentSet

ROUNDING = 1e-5
"""Least standard error: ten times what float32 moments of 442,368 dims lose, for latents that are all alike."""


@dataclass(frozen=True)
class LatentMoments:
    """Mean and mean square of each channel of a sample, over samples.

    Attributes:
        mean: expected value, one entry a channel and moment.
        spread: standard deviation between samples.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def deviations(self, sums: dict[str, float]) -> tuple[float, ...]:
        """How many standard errors a batch's moments are off, from the sums that `batch_moments` made."""
        samples = sums["data.samples"]
        found = []
        for index, (mean, spread) in enumerate(zip(self.mean, self.spread, strict=True)):
            error = max(spread / math.sqrt(samples), ROUNDING)
            found.append((sums[f"data.{index}"] / samples - mean) / error)
        return tuple(found)


def latent_moments(latents: LatentSet) -> LatentMoments:
    """Moments of normalised training latents (N, C, D, H, W)."""
    moments_BM = _moments(latents) if isinstance(latents, Tensor) else latents.moments
    spread = moments_BM.std(0, correction=0)
    return LatentMoments(tuple(moments_BM.mean(0).tolist()), tuple(spread.tolist()))


def batch_moments(x: Tensor) -> dict[str, Tensor]:
    """Sums over a micro-batch (B, C, D, H, W) of each channel's mean and mean square, additive over micro-batches."""
    moments_M = _moments(x).sum(0)
    sums = {f"data.{index}": value for index, value in enumerate(moments_M)}
    return {"data.samples": torch.full_like(moments_M[0], len(x)), **sums}


def _moments(latents: Tensor) -> Tensor:
    """(B, 2C): channel means, then channel mean squares."""
    values_BCP = latents.flatten(2)
    return torch.cat([values_BCP.double().mean(2), values_BCP.double().square().mean(2)], dim=1)
