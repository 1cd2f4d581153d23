"""A small autoencoder as it should be, and one for each way in which it should not."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SmallAutoencoder(nn.Module):
    """One convolution each way."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.down = nn.Conv3d(1, channels, stride, stride)
        self.up = nn.ConvTranspose3d(channels, 1, stride, stride)

    def encode(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The latents themselves."""
        latents: Tensor = self.down(x)
        return latents

    def decode(self, z: Tensor) -> Tensor:
        """Back to scans."""
        scans: Tensor = self.up(z)
        return scans


def build(channels: int = 6, stride: int = 8) -> nn.Module:
    """The autoencoder as it should be."""
    return SmallAutoencoder(channels, stride)


class _Posterior(SmallAutoencoder):
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean: Tensor = self.down(x)
        return mean, torch.full_like(mean, 0.5)


def posterior() -> nn.Module:
    """With mean and standard deviation."""
    return _Posterior(6, 8)


class _Drawn(SmallAutoencoder):
    def encode(self, x: Tensor) -> Tensor:
        mean: Tensor = self.down(x)
        return mean + torch.randn_like(mean)


def drawn() -> nn.Module:
    """That draws from the posterior itself."""
    return _Drawn(6, 8)


class _Small(SmallAutoencoder):
    def decode(self, z: Tensor) -> Tensor:
        return super().decode(z)[..., 1:]


def smaller() -> nn.Module:
    """That gives back smaller scans."""
    return _Small(6, 8)


class _Failing(SmallAutoencoder):
    def decode(self, z: Tensor) -> Tensor:
        raise ValueError("no decoder yet")


def failing() -> nn.Module:
    """That cannot decode."""
    return _Failing(6, 8)


def one_way() -> nn.Module:
    """Without a decoder."""
    return nn.Conv3d(1, 6, 8, 8)
