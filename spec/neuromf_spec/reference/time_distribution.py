"""The distribution of (r, t): a sorted pair of logit-normal times, or of uniform ones (laws TIME-003, TIME-005).

MeanFlow (arXiv:2505.13447v1), section 4.3: logit-normal sampler with mu = -0.4, sigma = 1. t is the larger of the pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, special, stats

Array = NDArray[np.float64]
_TAIL = 12.0  # standard deviations; the mass beyond is 4e-33


@dataclass(frozen=True)
class LogitNormalPair:
    """Two independent logit-normal times, sorted.

    Attributes:
        mu: mean of the logits.
        sigma: standard deviation of the logits.
    """

    mu: float
    sigma: float

    def single_cdf(self, time: Array) -> Array:
        """P(one draw <= time)."""
        with np.errstate(divide="ignore"):
            cdf: Array = special.ndtr((special.logit(time) - self.mu) / self.sigma)
        return cdf

    def t_cdf(self, time: Array) -> Array:
        """P(t <= time) for the larger time."""
        return self.single_cdf(time) ** 2

    def r_cdf(self, time: Array) -> Array:
        """P(r <= time) for the smaller time."""
        return 1 - (1 - self.single_cdf(time)) ** 2

    def gap_probability(self, gap: float) -> float:
        """P(t - r > gap), by quadrature over the larger time: 2 f(t) F(t - gap)."""
        lowest = (special.logit(gap) - self.mu) / self.sigma

        def integrand(logit: float) -> float:
            smaller = max(float(special.expit(self.mu + self.sigma * logit)) - gap, 0.0)
            return 2 * float(stats.norm.pdf(logit)) * float(self.single_cdf(np.array(smaller)))

        return _integral(integrand, [lowest, lowest + 1, max(lowest, 0.0) + 4, max(lowest, 0.0) + _TAIL])

    def mean_over_t(self, function: Callable[[float], float], t_min: float = 0.0) -> float:
        """E[f(max(t, t_min))] for the larger time, by quadrature over its standardised logit."""

        def integrand(logit: float) -> float:
            time = float(special.expit(self.mu + self.sigma * logit))
            return function(max(time, t_min)) * 2 * float(stats.norm.pdf(logit)) * float(special.ndtr(logit))

        kink = (special.logit(t_min) - self.mu) / self.sigma if t_min > 0 else -_TAIL
        return _integral(integrand, sorted({-_TAIL, float(np.clip(kink, -_TAIL, _TAIL)), 0.0, _TAIL}))

    def inverse_square(self, t_min: float) -> float:
        """E[1/max(t, t_min)^2], the loss of x-prediction at a zero output on unit-variance latents."""
        return self.mean_over_t(lambda time: time**-2, t_min)


def _integral(function: Callable[[float], float], edges: list[float]) -> float:
    """Adaptive quadrature between neighbouring edges, which mark kinks and peaks."""
    parts = [integrate.quad(function, low, high, epsabs=1e-13, epsrel=1e-9)[0] for low, high in pairwise(edges)]
    return float(sum(parts))
