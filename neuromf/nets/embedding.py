"""Embeddings: of a time, sinusoidal with a bounded derivative (law JVP-005), and of covariates."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

LONGEST_PERIOD = 10_000.0
"""Ratio of the highest to the lowest frequency (Attention Is All You Need, section 3.5)."""


def sinusoidal(time_B: Tensor, dims: int, scale: float) -> Tensor:
    """Cosines and sines of scale * t * f, f falling geometrically from 1 to 1/10,000.

    The largest derivative with respect to t is `scale`: at 1000 a finite difference of step 1e-3 turns the fastest
    component by one radian. Unlike MONAI's embedding it keeps the dtype of `time_B`, so float64 tests stay float64.

    Args:
        time_B: times in [0, 1].
        dims: width of the embedding, even.
        scale: factor on the time.

    Returns:
        Embedding (B, dims).
    """
    half = dims // 2
    exponent = torch.arange(half, dtype=torch.float64, device=time_B.device) / half
    frequency = torch.exp(-math.log(LONGEST_PERIOD) * exponent).to(time_B.dtype)
    angle = scale * time_B[:, None] * frequency[None]
    return torch.cat([angle.cos(), angle.sin()], dim=1)


class TimeEmbedding(nn.Module):
    """Two-layer perceptron on the sinusoidal embedding of one time.

    Args:
        dims: of the sinusoidal embedding.
        width: of the perceptron.
        scale: factor on the time.
        precision: `fp32` evaluates both outside autocast, `network` both in autocast's type, the time itself included;
            None leaves the sinusoids in the type of the time and the perceptron to autocast.
    """

    def __init__(
        self, dims: int, width: int, scale: float, precision: Literal["fp32", "network"] | None = None
    ) -> None:
        super().__init__()
        self.dims, self.scale, self.precision = dims, scale, precision
        self.layers = nn.Sequential(nn.Linear(dims, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time_B: Tensor) -> Tensor:
        """Embed times (B,) as (B, width)."""
        if self.precision == "fp32":
            with torch.autocast(time_B.device.type, enabled=False):
                return self._embed(time_B)
        if self.precision == "network" and torch.is_autocast_enabled(time_B.device.type):
            time_B = time_B.to(torch.get_autocast_dtype(time_B.device.type))
        return self._embed(time_B)

    def _embed(self, time_B: Tensor) -> Tensor:
        embedded: Tensor = self.layers(sinusoidal(time_B, self.dims, self.scale))
        return embedded


class CovariateEmbedding(nn.Sequential):
    """Two-layer perceptron on covariates (B, K), zeros where nothing is known: (B, width).

    Args:
        inputs: numbers that the covariates of a sample are encoded as, K.
        width: of the embedding.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))
