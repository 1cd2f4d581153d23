r"""One-dimensional mixtures, whose flow keeps every point's quantile: u without integration (law ID-001).

In one dimension trajectories cannot cross, and the flow carries p_t into p_r, so that F_r(z_r) = F_t(z_t): the
monotone rearrangement. From r = 0, t = 1 the one-step map is :math:`x = F_{data}^{-1}(\Phi(e))`. Derived here;
`neuromf_spec.reference.mixture` reaches the same u by integrating v. Points (...), times scalar or shaped like them.

The error of a point at time r is about 1e-16/p_r there: do not ask for modes with a void between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neuromf_spec.reference.gaussian import path_std

Array = NDArray[np.float64]
_HALVINGS = 64  # more than float64 can resolve between two components


@dataclass(frozen=True)
class QuantileMap:
    """The flow between a mixture on the line at t = 0 and N(0, 1) at t = 1.

    Attributes:
        weights: probability of each component (K,), positive, of sum 1.
        means: m_k (K,), in latent units.
        stds: s_k >= 0 (K,), in latent units; where one is 0 every time must exceed 0.
    """

    weights: Array
    means: Array
    stds: Array

    def score(self, z: Array, t: Array) -> Array:
        """Normal score xi = Phi^-1(F_t(z)), constant along a trajectory; from the smaller tail, to keep its digits."""
        centre, spread = self._components(t)
        standard = (np.asarray(z)[..., None] - centre) / spread
        below, above = special.ndtr(standard) @ self.weights, special.ndtr(-standard) @ self.weights
        return np.where(below < above, special.ndtri(below), -special.ndtri(above))

    def point(self, score: Array, t: Array) -> Array:
        """F_t^-1(Phi(xi)), by bisection between the least and the greatest of the components' own quantiles."""
        centre, spread = self._components(t)
        quantiles = centre + spread * np.asarray(score)[..., None]
        low, high = quantiles.min(-1), quantiles.max(-1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_left = self.score(middle, t) < score
            low, high = np.where(is_left, middle, low), np.where(is_left, high, middle)
        root: Array = (low + high) / 2
        return root

    def one_step(self, e: Array) -> Array:
        """Data x = F_data^-1(Phi(e)) of noise e."""
        return self.point(e, np.array(0.0))

    def flow(self, z: Array, r: Array, t: Array) -> Array:
        """Point at time r of the trajectory through z at time t."""
        return self.point(self.score(z, t), r)

    def average_velocity(self, z: Array, r: Array, t: Array) -> Array:
        """u(z, r, t) = (z_t - z_r)/(t - r), for r < t; its error is the flow's over t - r."""
        return (z - self.flow(z, r, t)) / (t - r)

    def _components(self, t: Array) -> tuple[Array, Array]:
        time = np.asarray(t)[..., None]
        return (1 - time) * self.means, path_std(time, self.stds)
