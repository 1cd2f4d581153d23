"""Inputs and small networks that the law tests share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from neuromf_spec.reference.bilinear import BilinearNet
from neuromf_spec.reference.gaussian import GaussianFlow
from torch import Tensor, nn

from neuromf.config.schema import UnetConfig
from neuromf.flow.batch import Batch
from neuromf.flow.network import NetOutput
from neuromf.flow.settings import ObjectiveSettings
from neuromf.nets.unet import MeanFlowUnet, build_unet

SEEDS = st.integers(0, 2**32 - 1)
LATENT = (4, 2, 3, 2)
"""Channels, depth, height, width of a test latent: small, and no two axes but the last alike."""
TINY_UNET = UnetConfig(
    channels=(8, 16), attention_levels=(False, True), head_channels=8, num_res_blocks=1, norm_num_groups=4
)


def in_type(batch: Batch, dtype: torch.dtype) -> Batch:
    """The same samples in another number type."""
    return replace(batch, **{name: getattr(batch, name).to(dtype) for name in ("x", "e", "r_B", "t_B")})


def draw_batch(seed: int, size: int, *, fm: str = "some", t_min: float = 0.05, shape=LATENT) -> Batch:
    """Data, noise and times in float64; `fm` says whether `no`, `some` or `all` samples have r = t."""
    generator = np.random.default_rng(seed)
    x, e = generator.standard_normal((2, size, *shape))
    t = generator.uniform(t_min, 1.0, size)
    r = t * generator.uniform(0.0, 0.95, size)
    keep = {"no": np.zeros(size, bool), "some": np.arange(size) % 2 == 0, "all": np.ones(size, bool)}[fm]
    return Batch(*(torch.from_numpy(a) for a in (x, e, np.where(keep, t, r), t)))


def settings_for(**changes: Any) -> ObjectiveSettings:
    """Objective settings with a few keys changed."""
    return ObjectiveSettings(**changes)


class GaussianNet(nn.Module):
    """The exact average velocity of Gaussian data as a network, so that autograd can differentiate it.

    Written in torch from the same formula as `neuromf_spec.reference.gaussian`; tests compare the two.
    """

    def __init__(self, mean: Tensor, std: Tensor, prediction: str = "u") -> None:
        super().__init__()
        self.mean, self.std, self.prediction = mean, std, prediction

    def velocity(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        """u(z, r, t), differentiable in all three."""
        r, t = (time.reshape(-1, *(1,) * (z.ndim - 1)) for time in (r_B, t_B))
        present, past = torch.hypot((1 - t) * self.std, t), torch.hypot((1 - r) * self.std, r)
        slope = ((t + r) - self.std**2 * (2 - t - r)) / (present * (present + past))
        return -self.mean + slope * (z - (1 - t) * self.mean)

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput:
        """u, or the x that stands for it."""
        u = self.velocity(z, r_B, t_B)
        if self.prediction == "x":
            u = z - t_B.reshape(-1, *(1,) * (z.ndim - 1)) * u
        return NetOutput(u, None)


@dataclass(frozen=True)
class GaussianCase:
    """One Gaussian law of the data, as the float64 oracle and as a torch network."""

    oracle: GaussianFlow
    net: GaussianNet


def gaussian_case(seed: int, prediction: str = "u", *, shape=LATENT) -> GaussianCase:
    """Anisotropic Gaussian data with means of order 1 and standard deviations of e^-1 to e^1."""
    generator = np.random.default_rng(seed)
    mean, std = generator.standard_normal(shape), np.exp(generator.uniform(-1.0, 1.0, shape))
    return GaussianCase(GaussianFlow(mean, std), GaussianNet(torch.from_numpy(mean), torch.from_numpy(std), prediction))


class BilinearModule(nn.Module):
    """`neuromf_spec.reference.bilinear` as a torch network on flattened latents."""

    def __init__(self, reference: BilinearNet) -> None:
        super().__init__()
        arrays = (reference.matrix, reference.time, reference.start, reference.product)
        self.matrix, self.time, self.start, self.product = (nn.Parameter(torch.from_numpy(a.copy())) for a in arrays)

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> NetOutput:
        """U at times (B,)."""
        flat, r, t = z.flatten(1), r_B[:, None], t_B[:, None]
        u = flat @ self.matrix.T + t * self.time + r**2 * self.start + t * self.product * flat
        return NetOutput(u.reshape(z.shape), None)


def bilinear_reference(seed: int, dims: int) -> BilinearNet:
    """Parameters of order 1."""
    generator = np.random.default_rng(seed)
    scaled = generator.standard_normal((dims, dims)) / np.sqrt(dims)
    return BilinearNet(scaled, *generator.standard_normal((3, dims)))


def randomised_unet(seed: int, settings: UnetConfig = TINY_UNET, *, v_head: bool = False) -> MeanFlowUnet:
    """A U-Net whose zero-initialised weights are random: with them at zero u and du/dt vanish and tests are vacuous."""
    net = build_unet(settings, v_head=v_head, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
    return net


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """||actual - expected|| / ||expected||, in float64."""
    actual, expected = actual.detach().double(), expected.detach().double()
    return float((actual - expected).norm() / expected.norm())
