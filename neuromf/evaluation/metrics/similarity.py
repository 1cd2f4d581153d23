"""How alike the volumes of a sample are among themselves: MS-SSIM of pairs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from neuromf.evaluation.metrics.parallel import each

PARTNERS = 2
"""Pairs that each volume is in, on either side: n volumes have 2 n pairs, each volume with the next two."""
KERNEL, SIGMA = 7, 1.5
"""Voxels and width of the window; 11 for images of 256 pixels (Wang et al. 2003), less for small volumes."""
WEIGHTS = (0.0448, 0.2856, 0.3001)
"""Exponents of the scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2), brought to a sum of 1."""


def pairs_of(count: int) -> list[tuple[int, int]]:
    """Pairs of different volumes, each volume in as many as every other, each pair once."""
    reach = max(1, min(PARTNERS, (count - 1) // 2))
    found = ((first, (first + step) % count) for step in range(1, reach + 1) for first in range(count))
    return list(dict.fromkeys((min(pair), max(pair)) for pair in found if pair[0] != pair[1]))


def pair_similarities(volumes_NXYZ: NDArray[np.float32], pairs: list[tuple[int, int]]) -> NDArray[np.float64]:
    """MS-SSIM of each pair by MONAI, in [0, 1]; a volume with itself has 1.

    Args:
        volumes_NXYZ: in [0, 1], each axis 28 voxels or more.
        pairs: rows.
    """
    from monai.metrics.regression import MultiScaleSSIMMetric

    metric = MultiScaleSSIMMetric(
        3, kernel_size=KERNEL, kernel_sigma=SIGMA, weights=scale_weights(volumes_NXYZ.shape[1:])
    )
    volumes = torch.from_numpy(np.ascontiguousarray(volumes_NXYZ))[:, None]

    def made(pair: tuple[int, int]) -> float:
        if torch.equal(*(volumes[row] for row in pair)):
            return 1.0  # as of a mean image with itself, again and again
        with torch.no_grad():
            return float(torch.as_tensor(metric(*(volumes[row : row + 1] for row in pair))))

    found = list(each(made, pairs, cells=1))
    return np.array(found, dtype=np.float64)


def scale_weights(shape: tuple[int, ...]) -> tuple[float, ...]:
    """Weights of as many scales as the shape has room for, by MONAI's own rule, of a sum of 1."""
    fits = [count for count in range(1, len(WEIGHTS) + 1) if min(shape) // max(1, count - 1) ** 2 >= KERNEL]
    weights = WEIGHTS[: fits[-1] if fits else 1]
    return tuple(weight / sum(weights) for weight in weights)
