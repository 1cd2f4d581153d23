"""The Frechet distance of two samples of features, each taken for a Gaussian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def frechet_distance(one_BF: Array, other_NF: Array) -> float:
    """Squared Frechet distance |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two samples' means and covariances.

    The trace of the root is the sum of the singular values of A B^T where S1 = A^T A and S2 = B^T B. That needs no
    root of a matrix of features by features, which MONAI's FIDMetric takes: slow for many features, and without a
    stable answer where there are more features than samples, as here.

    Heusel et al., GANs trained by a two time-scale update rule, arXiv:1706.08500, section 4 (FID).

    Args:
        one_BF: features of a sample, two rows or more.
        other_NF: of another, as many columns.
    """
    if min(len(one_BF), len(other_NF)) < 2:
        return float("nan")
    one, other = np.asarray(one_BF, dtype=np.float64), np.asarray(other_NF, dtype=np.float64)
    shift = one.mean(0) - other.mean(0)
    factors = [_factor(sample) for sample in (one, other)]
    spread = sum(float((factor**2).sum()) for factor in factors)
    common = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    return float(shift @ shift + spread - 2 * common)


def _factor(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """A with A^T A the covariance, with no more rows than columns."""
    centred = (sample - sample.mean(0)) / np.sqrt(len(sample) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r") if len(centred) > centred.shape[1] else centred)
