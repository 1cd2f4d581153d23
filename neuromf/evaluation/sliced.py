"""The sliced Wasserstein distance between two samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

Points = NDArray[np.float64]
DIRECTIONS = 256


def sliced_wasserstein(points_BD: Points, others_ND: Points, *, directions: int = DIRECTIONS, seed: int = 0) -> float:
    """Mean 1-Wasserstein distance of projections on random directions, in units of a coordinate.

    Rabin et al., Wasserstein barycenter and its application to texture mixing, SSVM 2011.

    Args:
        points_BD: a sample.
        others_ND: another, of as many dims.
        directions: that are averaged over.
        seed: of the directions.

    >>> points = np.random.default_rng(0).standard_normal((500, 3))
    >>> sliced_wasserstein(points, points)
    0.0
    """
    units_DK = np.random.default_rng(seed).standard_normal((points_BD.shape[1], directions))
    return mean_distance(points_BD, others_ND, (units_DK / np.linalg.norm(units_DK, axis=0)).T)


def mean_distance(points_BD: Points, others_ND: Points, units_KD: Points) -> float:
    """Mean 1-Wasserstein distance of projections on given unit vectors."""
    pairs = zip((points_BD @ units_KD.T).T, (others_ND @ units_KD.T).T, strict=True)
    return float(np.mean([wasserstein_distance(one, other) for one, other in pairs]))
