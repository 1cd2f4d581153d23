"""Data that are one point: a perfect model has loss exactly zero (laws ID-001, PRED-001).

All trajectories are straight lines into x0, so that u does not depend on r and du/dt vanishes. This oracle is
therefore blind to the sign and the size of the correction; `gaussian` and `bilinear` are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SinglePoint:
    """The flow into one point.

    Attributes:
        point: x0, in latent units.
    """

    point: Array

    def average_velocity(self, z: Array, t: Array) -> Array:
        """u(z, r, t) = (z - x0)/t for every r, and also v(z, t)."""
        return (z - self.point) / t

    def time_derivative(self, z: Array, t: Array, tangent: Array) -> Array:
        """d_t u + d_z u . tangent = (tangent - u)/t, zero along the flow."""
        return (tangent - self.average_velocity(z, t)) / t
