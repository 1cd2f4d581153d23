"""The maximum mean discrepancy (MMD) of two samples under a Gaussian kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def squared_distances(one_BD: NDArray[np.floating], other_ND: NDArray[np.floating]) -> Array:
    """Squared Euclidean distances (B, N) between rows, in float64; never negative."""
    one, other = one_BD.astype(np.float64), other_ND.astype(np.float64)
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    return np.asarray(np.maximum(squares, 0.0), dtype=np.float64)


def median_bandwidth(squares_NN: Array) -> float:
    """Median distance between two rows of a sample, by its own squared distances; the usual width of the kernel.

    Gretton et al., A kernel two-sample test, JMLR 13, 2012, section 8.
    """
    above = squares_NN[np.triu_indices(len(squares_NN), 1)]
    return float(np.sqrt(np.median(above))) if len(above) else float("nan")


def gaussian_kernel(squares: Array, bandwidth: float) -> Array:
    """exp(-d^2 / (2 s^2)) of squared distances."""
    return np.asarray(np.exp(-squares / (2 * bandwidth**2)), dtype=np.float64)


def mmd_squared(within_one: Array, within_other: Array, between: Array) -> float:
    """Unbiased squared MMD of two samples by their kernel values; about 0, or below it, where they are alike.

    Gretton et al. 2012, Lemma 6, Eq. 3. MONAI's MMDMetric is the same for a linear kernel and samples of one size.

    Args:
        within_one: (B, B) kernel of the first sample with itself.
        within_other: (N, N) of the second.
        between: (B, N).
    """
    return _off_diagonal_mean(within_one) + _off_diagonal_mean(within_other) - 2 * float(between.mean())


def _off_diagonal_mean(kernel: Array) -> float:
    count = len(kernel)
    return float(kernel.sum() - np.trace(kernel)) / (count * (count - 1)) if count > 1 else float("nan")
