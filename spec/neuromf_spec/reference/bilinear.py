r"""A network small enough to differentiate by hand (laws JVP-001, JVP-002, WGT-001).

:math:`u(z, r, t) = A z + t\,b + r^2 c + t\,k \odot z` with parameters A (n, n), b, c and k (n,). It is linear in its
parameters and bilinear in (z, t), so that both du/dt and the loss's gradient are one line each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BilinearNet:
    """The network, or the gradient of a loss with respect to its parameters.

    Attributes:
        matrix: A (n, n).
        time: b (n,).
        start: c (n,).
        product: k (n,).
    """

    matrix: Array
    time: Array
    start: Array
    product: Array

    def average_velocity(self, z: Array, r: Array, t: Array) -> Array:
        """U of points z (B, n) at times r, t (B,)."""
        r, t = r[:, None], t[:, None]
        return z @ self.matrix.T + t * self.time + r**2 * self.start + t * self.product * z

    def time_derivative(self, z: Array, t: Array, tangent: Array) -> Array:
        """du/dt = A v + b + k z + t k v; r is held fixed, so that r^2 c has no part in it."""
        return tangent @ self.matrix.T + self.time + self.product * z + t[:, None] * self.product * tangent

    def compound_velocity(self, z: Array, r: Array, t: Array, tangent: Array) -> Array:
        """V = u + (t - r) du/dt."""
        return self.average_velocity(z, r, t) + (t - r)[:, None] * self.time_derivative(z, t, tangent)

    def gradient(self, z: Array, r: Array, t: Array, error: Array, factor: Array) -> BilinearNet:
        """Gradient of mean_i factor_i ||error_i||^2 when error depends on the parameters through u alone.

        Args:
            z: points (B, n).
            r: start of the interval (B,).
            t: time (B,).
            error: V - v_c (B, n), in which the derivative counts as a constant.
            factor: detached weight of each sample (B,), over n for a mean-reduced loss.
        """
        pull = 2 * factor[:, None] * error / len(z)
        return BilinearNet(
            matrix=pull.T @ z,
            time=(pull * t[:, None]).sum(0),
            start=(pull * r[:, None] ** 2).sum(0),
            product=(pull * t[:, None] * z).sum(0),
        )
