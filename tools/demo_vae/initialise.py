"""Where training starts: a posterior that lets the signal through, and four channels that say four things."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_INITIAL_SIGMA = 0.05
_SMALLEST_VARIANCE = 1e-4  # of the largest; below it a direction is rounding noise and is not amplified further


def narrow_posterior(network: nn.Module) -> None:
    """Set the initial posterior's standard deviation: at MONAI's own 1.2 the noise drowns the signal."""
    layer: nn.Module = network.quant_conv_log_sigma.conv  # type: ignore[assignment, union-attr]
    nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
    nn.init.constant_(layer.bias, 2 * math.log(_INITIAL_SIGMA))  # type: ignore[arg-type]


@torch.no_grad()
def whiten_latents(network: nn.Module, volumes: Tensor) -> None:
    """Set the last encoder layer so that the posterior means of `volumes` are white: mean 0, identity covariance.

    An untrained encoder's channels all follow the contrast of brain to background, and training from there leaves two
    of them copies of each other.

    Args:
        network: of `build_vae`, untrained.
        volumes: (N, 1, D, H, W).
    """
    features = torch.cat([network.encoder(volume[None]) for volume in volumes])  # type: ignore[operator]
    channels = features.transpose(0, 1).flatten(1).double()
    variances, directions = torch.linalg.eigh(torch.cov(channels))
    variances = variances.clamp_min(_SMALLEST_VARIANCE * variances.max())
    whitening = directions @ torch.diag(variances.rsqrt()) @ directions.T
    layer: nn.Module = network.quant_conv_mu.conv  # type: ignore[assignment, union-attr]
    layer.weight.copy_(whitening.reshape(layer.weight.shape))  # type: ignore[operator]
    layer.bias.copy_(-whitening @ channels.mean(1))  # type: ignore[operator]
