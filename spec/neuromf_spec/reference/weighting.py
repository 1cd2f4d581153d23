"""The adaptive weight, the function whose gradient it follows, and what becomes of both (laws WGT-001 .. WGT-004).

MeanFlow (arXiv:2505.13447v1), section 4.3 and appendix B.2, Eq. 22. L is a sample's loss, c = norm_eps in its unit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import integrate

Array = NDArray[np.float64]


def weight(loss: Array, norm_eps: float, norm_p: float) -> Array:
    """W = (L + c)^-p, and also the factor on the gradient of L."""
    return (loss + norm_eps) ** -norm_p


def weighted_loss(loss: Array, norm_eps: float, norm_p: float) -> Array:
    """L (L + c)^-p; at p = 1 it tends to 1 and says nothing more."""
    return loss * weight(loss, norm_eps, norm_p)


def potential(loss: float, norm_eps: float, norm_p: float) -> float:
    """Integral of the weight from 0 to L by adaptive quadrature, independent of its closed form.

    The integrand is rescaled by l = c (e^s - 1), on which it is c^(1-p) e^((1-p) s): smooth over any range of L/c.
    """
    upper = math.log1p(loss / norm_eps)
    area, _ = integrate.quad(lambda s: math.exp((1 - norm_p) * s), 0.0, upper, epsabs=0.0, epsrel=1e-12)
    return float(norm_eps ** (1 - norm_p) * area)


def undetached_factor(loss: Array, norm_eps: float, norm_p: float) -> Array:
    """Factor on the gradient when the weight is not detached: d/dL [L (L + c)^-p], which vanishes at p = 1, L >> c."""
    return weight(loss, norm_eps, norm_p) * (1 - norm_p * loss / (loss + norm_eps))


def sum_over_mean(dims: int, norm_p: float) -> float:
    """SUM-reduced weighted loss at c over the MEAN-reduced one at c/D: D^(1-p)."""
    return float(dims ** (1 - norm_p))
