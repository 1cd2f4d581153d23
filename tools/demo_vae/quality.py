"""How well an autoencoder gives back the volumes it read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from monai.metrics.regression import SSIMMetric
from torch import Tensor

from neuromf.nets.vae import LatentCodec


@dataclass(frozen=True)
class ReconstructionQuality:
    """Over held-out subjects; the data range is 1.

    Attributes:
        psnr_mean: peak signal-to-noise ratio in dB, whole volume; `psnr_sd` its standard deviation over subjects.
        brain_psnr_mean: the same over the voxels brighter than 0.05; `brain_psnr_sd` likewise.
        ssim_mean: 3-D structural similarity; `ssim_sd` likewise.
    """

    psnr_mean: float
    psnr_sd: float
    brain_psnr_mean: float
    brain_psnr_sd: float
    ssim_mean: float
    ssim_sd: float


def reconstruction_quality(codec: LatentCodec, volumes: Tensor) -> ReconstructionQuality:
    """Encode, decode and compare each volume of (N, 1, D, H, W)."""
    similarity = SSIMMetric(spatial_dims=3, data_range=1.0)
    rows = []
    for index in range(len(volumes)):
        volume = volumes[index : index + 1]
        restored = codec.decode(codec.encode(volume)).clamp(0, 1)
        error = (restored - volume).square()
        ratios = (_decibel(error.mean()), _decibel(error[volume > 0.05].mean()))
        rows.append(torch.stack([*ratios, torch.as_tensor(similarity(restored, volume)).mean()]))
    values = torch.stack(rows).double()
    pairs = torch.stack([values.mean(0), values.std(0)], dim=1).flatten().tolist()
    return ReconstructionQuality(*pairs)


def _decibel(mean_squared_error: Tensor) -> Tensor:
    return -10.0 * torch.log10(mean_squared_error)
