"""Per-channel mean and standard deviation of latents, and normalisation by them (DATA-001)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.errors import InputError


@dataclass(frozen=True)
class ChannelMoments:
    """One scan's channels.

    Attributes:
        mean: of each channel.
        std: population standard deviation of each channel.
        count: values a channel has.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    count: int


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and standard deviation that bring each channel to 0 and 1.

    Attributes:
        mean: of each channel, finite.
        std: of each channel, finite and positive.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for channel, (mean, std) in enumerate(zip(self.mean, self.std, strict=True)):
            if not (math.isfinite(mean) and 0 < std < math.inf):
                problem = f"channel {channel} of the latents has mean {mean:g} and standard deviation {std:g}"
                raise InputError(problem, remedy="check scans and autoencoder, then encode again", key="statistics")

    def normalise(self, latents: Tensor) -> Tensor:
        """Map latents (C, D, H, W) or (B, C, D, H, W) to mean 0 and standard deviation 1 a channel."""
        mean, std = self._along_channels(latents)
        return (latents - mean) / std

    def denormalise(self, normalised: Tensor) -> Tensor:
        """Undo `normalise`."""
        mean, std = self._along_channels(normalised)
        return normalised * std + mean

    def pooled_std(self) -> float:
        """Standard deviation of all channels' values together, by the law of total variance.

        Channels have equally many values, so that their moments weigh alike.
        """
        centre = sum(self.mean) / len(self.mean)
        spread = [std**2 + (mean - centre) ** 2 for mean, std in zip(self.mean, self.std, strict=True)]
        return math.sqrt(sum(spread) / len(spread))

    def _along_channels(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        if latents.ndim not in (4, 5) or latents.shape[-4] != len(self.mean):
            problem = f"latents of shape {tuple(latents.shape)} do not have {len(self.mean)} channels"
            raise InputError(problem, remedy="give (C, D, H, W) or (B, C, D, H, W)", key="shape")
        values = torch.tensor([self.mean, self.std], dtype=latents.dtype, device=latents.device)
        mean, std = values[:, :, None, None, None]
        return mean, std


def channel_moments(latent: Tensor) -> ChannelMoments:
    """Moments of one latent (C, D, H, W), in float64."""
    flat = latent.detach().double().flatten(1)
    std, mean = torch.std_mean(flat, dim=1, correction=0)
    return ChannelMoments(tuple(mean.tolist()), tuple(std.tolist()), flat.shape[1])


def pool_moments(scans: Sequence[ChannelMoments]) -> ChannelStatistics:
    """Statistics of all scans' values together, by the law of total variance, in float64.

    Raises:
        InputError: if there is no scan, or a channel is constant or not finite.
    """
    if not scans:
        raise InputError("there is no training scan to take statistics from", remedy="raise the training ratio")
    weights = torch.tensor([scan.count for scan in scans], dtype=torch.float64)[:, None]
    weights = weights / weights.sum()
    means = torch.tensor([scan.mean for scan in scans], dtype=torch.float64)
    variances = torch.tensor([scan.std for scan in scans], dtype=torch.float64).square()
    mean = (weights * means).sum(0)
    variance = (weights * (variances + (means - mean).square())).sum(0)
    return ChannelStatistics(tuple(mean.tolist()), tuple(variance.sqrt().tolist()))
