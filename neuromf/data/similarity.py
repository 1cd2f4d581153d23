"""How alike two volumes are, over the whole and over parts: PSNR, SSIM and MS-SSIM."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_KERNEL, _SIGMA = 11, 1.5
"""Voxels and width of the Gaussian window (Wang et al. 2004, section III-C)."""
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2)."""


@dataclass(frozen=True)
class Similarity:
    """Of one part of two volumes in [0, 1].

    Attributes:
        psnr: peak signal-to-noise ratio in dB; infinite where they are equal.
        ssim: structural similarity, mean over the part; NaN where no window has its middle in it.
        ms_ssim: the same over several scales; NaN where that is so at one of them, as at the rim of the volume.
    """

    psnr: float
    ssim: float
    ms_ssim: float


def scales_of(shape: tuple[int, ...]) -> int:
    """Scales of MS-SSIM that a volume has room for: at each the shortest axis holds a window."""
    return sum(min(shape) // 2**scale >= _KERNEL for scale in range(len(_WEIGHTS)))


def compare_parts(
    restored: NDArray[np.float32], volume: NDArray[np.float32], parts: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Similarity]:
    """Compare two volumes part by part.

    A window counts for a part by the share of its middle voxel in the part, at each scale. Over the whole this is
    SSIM and MS-SSIM as they are defined; where a volume has room for fewer than five scales, the weights of those are
    brought to a sum of 1.

    Args:
        restored: (R, A, S) in [0, 1].
        volume: what it should be, of the same shape.
        parts: masks by name.
    """
    squares = (restored.astype(np.float64) - volume) ** 2
    weights = _WEIGHTS[: scales_of(volume.shape)]
    maps = list(_maps(restored, volume, len(weights)))
    return {
        name: Similarity(decibel(float(squares[mask].mean())), *_pooled(maps, weights, torch.from_numpy(mask)))
        for name, mask in parts.items()
    }


def decibel(mean_square: float) -> float:
    """Ratio of the square of the range 1 to a mean squared error, in dB; NaN of NaN."""
    if mean_square == 0:
        return math.inf
    return -10 * math.log10(mean_square) if mean_square > 0 else math.nan


def _maps(restored: NDArray[np.float32], volume: NDArray[np.float32], scales: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Similarity and contrast of each window, at each scale."""
    from monai.metrics.regression import compute_ssim_and_cs

    one, other = (torch.from_numpy(np.ascontiguousarray(array))[None, None] for array in (restored, volume))
    for scale in range(scales):
        if scale:
            one, other = (functional.avg_pool3d(tensor, 2) for tensor in (one, other))
        yield compute_ssim_and_cs(one, other, 3, kernel_size=[_KERNEL] * 3, kernel_sigma=[_SIGMA] * 3)


def _pooled(maps: list[tuple[Tensor, Tensor]], weights: tuple[float, ...], mask: Tensor) -> tuple[float, float]:
    share, means = mask[None, None].float(), []
    for scale, pair in enumerate(maps):
        if scale:
            share = functional.avg_pool3d(share, 2)
        inner = (slice(_KERNEL // 2, -(_KERNEL // 2)),) * 3
        within = share[0, 0][inner].double()
        means.append([float((one[0, 0].double() * within).sum() / within.sum()) for one in pair])
    if not means:
        return math.nan, math.nan
    # Contrast at every scale, the whole similarity at the coarsest; negative ones count as 0, whose root is no number.
    factors = [contrast for _, contrast in means[:-1]] + [means[-1][0]]
    exponents = [weight / sum(weights) for weight in weights]
    product = math.prod(max(factor, 0.0) ** power for factor, power in zip(factors, exponents, strict=True))
    return means[0][0], (product if all(math.isfinite(factor) for factor in factors) else math.nan)
