"""What nearest neighbours tell: precision and recall, density and coverage, and whether samples are copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEIGHBOURS = 5
"""The k of Naeem et al. 2020, section 4; fewer where there are not so many scans."""


@dataclass(frozen=True)
class Manifold:
    """How two samples cover each other; each number is 1, or about 1, where they are alike.

    Attributes:
        precision: share of samples that lie within some real scan's neighbourhood.
        recall: share of real scans that lie within some sample's neighbourhood.
        density: how many real neighbourhoods a sample lies in, over k; may be above 1.
        coverage: share of real scans with a sample in their neighbourhood.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real_NN: Array, sample_BB: Array, between_BN: Array, neighbours: int = NEIGHBOURS) -> Manifold:
    """Precision and recall (Kynkaanniemi et al., arXiv:1904.06991), density and coverage (Naeem et al., 2002.09797).

    A neighbourhood is the ball around a point that reaches to its k-th nearest of the same kind.

    Args:
        real_NN: distances among real scans, 0 on the diagonal.
        sample_BB: among samples.
        between_BN: from each sample to each real scan.
        neighbours: k; at most one less than the smaller kind has points.
    """
    k = min(neighbours, len(real_NN) - 1, len(sample_BB) - 1)
    if k < 1:
        return Manifold(*[float("nan")] * 4)
    real_radius_N, sample_radius_B = (np.sort(square, axis=1)[:, k] for square in (real_NN, sample_BB))
    in_real = between_BN <= real_radius_N[None]
    in_sample = between_BN <= sample_radius_B[:, None]
    return Manifold(
        precision=float(in_real.any(1).mean()),
        recall=float(in_sample.any(0).mean()),
        density=float(in_real.sum(1).mean() / k),
        coverage=float(in_real.any(0).mean()),
    )


def nearest(distances_BN: Array) -> Array:
    """Distance of each row's point to the nearest of the columns'."""
    return np.asarray(distances_BN.min(1), dtype=np.float64)


def nearest_other(distances_NN: Array) -> Array:
    """Distance of each point to the nearest other one of the same kind."""
    apart = distances_NN.copy()
    np.fill_diagonal(apart, np.inf)
    return nearest(apart)
