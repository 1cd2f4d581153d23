"""What the autoencoder is trained to do: give the volume back through a narrow, noisy, near-Gaussian latent."""

from __future__ import annotations

import torch
from torch import Tensor

KL_WEIGHT = 3e-4
GRADIENT_WEIGHT = 0.5
CORRELATION_WEIGHT = 3e-3
_JITTER = 1e-3  # keeps the determinant off zero when two channels are copies of each other


def autoencoder_loss(restored: Tensor, volume: Tensor, mean: Tensor, sigma: Tensor) -> Tensor:
    """Absolute error of intensities and of their differences, plus a little KL divergence and channel correlation.

    Args:
        restored: (B, 1, D, H, W).
        volume: as `restored`.
        mean: posterior mean (B, C, d, h, w).
        sigma: posterior standard deviation, as `mean`.

    Returns:
        A scalar; every term is a mean over its own elements.
    """
    error = restored - volume
    edges = torch.stack([error.diff(dim=axis).abs().mean() for axis in (2, 3, 4)]).mean()
    divergence = 0.5 * (mean.square() + sigma.square() - 1.0 - 2.0 * sigma.log()).mean()
    penalty = KL_WEIGHT * divergence + CORRELATION_WEIGHT * total_correlation(mean)
    return error.abs().mean() + GRADIENT_WEIGHT * edges + penalty


def total_correlation(mean: Tensor) -> Tensor:
    """Mutual information of Gaussian channels: without it two of the four channels become copies of each other.

    Minus half the logarithm of the correlation matrix's determinant: unlike squared correlations it still has a
    gradient, and a steep one, where two channels are collinear.

    Args:
        mean: (B, C, d, h, w).

    Returns:
        A scalar, 0 for uncorrelated channels.
    """
    channels = mean.transpose(0, 1).flatten(1)
    centred = channels - channels.mean(1, keepdim=True)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-6)
    jitter = _JITTER * torch.eye(len(unit), dtype=unit.dtype, device=unit.device)
    return -0.5 * torch.logdet(unit @ unit.T + jitter)
