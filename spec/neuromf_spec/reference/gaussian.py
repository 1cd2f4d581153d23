r"""Gaussian data, for which every quantity of MeanFlow has a closed form (laws ID-001, JVP-001, JVP-006, WGT-005).

Data x ~ N(mu, diag(s^2)) and noise e ~ N(0, I) give z_t ~ N((1-t) mu, sigma_t^2) with sigma_t^2 = (1-t)^2 s^2 + t^2.
Along a trajectory of the marginal flow xi = (z_t - (1-t) mu)/sigma_t is constant, which yields all that follows
(derived here; verified against DOP853 and Monte Carlo in `tests/laws/test_reference_gaussian.py`). `mean` and `std`
broadcast against `z`: scalars are isotropic data, shape (C, 1, 1, 1) is per-channel data, shape of z anisotropic data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def path_std(t: Array, std: Array) -> Array:
    r""":math:`\sigma_t = \sqrt{(1-t)^2 s^2 + t^2}`, the standard deviation of z_t."""
    return np.hypot((1 - t) * std, t)


@dataclass(frozen=True)
class GaussianFlow:
    """The flow between N(mean, std^2) at t = 0 and N(0, 1) at t = 1.

    Attributes:
        mean: mu, in latent units.
        std: s > 0, in latent units.
    """

    mean: Array
    std: Array

    def velocity(self, z: Array, t: Array) -> Array:
        """Marginal velocity v(z, t) = E[e - x | z_t = z]."""
        rate = (t - (1 - t) * self.std**2) / path_std(t, self.std) ** 2
        return -self.mean + rate * self._centred(z, t)

    def flow(self, z: Array, r: Array, t: Array) -> Array:
        """Point at time r of the trajectory through z at time t."""
        return (1 - r) * self.mean + path_std(r, self.std) / path_std(t, self.std) * self._centred(z, t)

    def average_velocity(self, z: Array, r: Array, t: Array) -> Array:
        """u(z, r, t) = -mu + a (z - (1-t) mu); free of cancellation and valid at r = t."""
        return -self.mean + self._slope(r, t) * self._centred(z, t)

    def time_derivative(self, z: Array, r: Array, t: Array, tangent: Array) -> Array:
        """d_t u + d_z u . tangent, at fixed r; along the marginal velocity it is (v - u)/(t - r)."""
        present, past = path_std(t, self.std), path_std(r, self.std)
        growth = (t - (1 - t) * self.std**2) / present
        numerator = (t + r) - self.std**2 * (2 - t - r)
        bottom = present * (present + past)
        slope_rate = (1 + self.std**2) / bottom - numerator * growth * (2 * present + past) / bottom**2
        slope = self._slope(r, t)
        return slope_rate * self._centred(z, t) + slope * self.mean + slope * tangent

    def flow_matching_floor(self, t: Array) -> Array:
        """Var(e - x | z_t) = s^2/sigma_t^2 per dim: what FM samples, and MF samples with tangent v, keep for ever."""
        return self.std**2 / path_std(t, self.std) ** 2

    def conditional_floor(self, r: Array, t: Array) -> Array:
        """Loss per dim that the exact u keeps against the target with tangent e - x: s^2 sigma_r^2/sigma_t^4."""
        return self.flow_matching_floor(t) * (path_std(r, self.std) / path_std(t, self.std)) ** 2

    def _slope(self, r: Array, t: Array) -> Array:
        present, past = path_std(t, self.std), path_std(r, self.std)
        return ((t + r) - self.std**2 * (2 - t - r)) / (present * (present + past))

    def _centred(self, z: Array, t: Array) -> Array:
        return z - (1 - t) * self.mean
