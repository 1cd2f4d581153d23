"""The distribution of (r, t): a sorted pair of logit-normal times, or of uniform ones (laws TIME-003, TIME-005).

MeanFlow (arXiv:2505.13447v1), section 4.3: logit-normal sampler with mu = -0.4, sigma = 1. t is the larger of the pair.
The two may be unlike, as in its PyTorch code: then P(t <= q) is F_1(q) F_2(q).
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
class LogitNormal:
    """One logit-normal time.

    Attributes:
        mu: mean of the logit.
        sigma: its standard deviation.
    """

    mu: float
    sigma: float

    def cdf(self, time: Array) -> Array:
        """P(time drawn <= time)."""
        with np.errstate(divide="ignore"):
            cdf: Array = special.ndtr((special.logit(time) - self.mu) / self.sigma)
        return cdf

    def score(self, time: float) -> float:
        """Standardised logit of a time; infinite at 1 and beyond."""
        return float((special.logit(time) - self.mu) / self.sigma) if time < 1 else np.inf

    def time(self, score: float) -> float:
        """The time of a standardised logit."""
        return float(special.expit(self.mu + self.sigma * score))


@dataclass(frozen=True)
class LogitNormalPair:
    """Two independent logit-normal times, sorted.

    Attributes:
        mu: mean of the logits.
        sigma: standard deviation of the logits.
        r_mu: mean of the second time's logit; None is `mu`.
        r_sigma: its standard deviation; None is `sigma`.
    """

    mu: float
    sigma: float
    r_mu: float | None = None
    r_sigma: float | None = None

    @property
    def times(self) -> tuple[LogitNormal, LogitNormal]:
        """The distributions of both times, before they are sorted."""
        second = self.mu if self.r_mu is None else self.r_mu, self.sigma if self.r_sigma is None else self.r_sigma
        return LogitNormal(self.mu, self.sigma), LogitNormal(*second)

    def t_cdf(self, time: Array) -> Array:
        """P(t <= time) for the larger time: both are."""
        first, second = self.times
        return first.cdf(time) * second.cdf(time)

    def r_cdf(self, time: Array) -> Array:
        """P(r <= time) for the smaller time: not both are larger."""
        first, second = self.times
        return 1 - (1 - first.cdf(time)) * (1 - second.cdf(time))

    def gap_probability(self, gap: float) -> float:
        """P(t - r > gap), by quadrature over the larger time, whichever of the two it is: f_1(t) F_2(t - gap)."""
        return sum(_larger_by(gap, *pair) for pair in (self.times, self.times[::-1]))

    def mean_over_t(self, function: Callable[[float], float], t_min: float = 0.0) -> float:
        """E[f(max(t, t_min))] for the larger time, by quadrature over its standardised logit."""
        return sum(_mean_where_larger(function, t_min, *pair) for pair in (self.times, self.times[::-1]))

    def inverse_square(self, t_min: float) -> float:
        """E[1/max(t, t_min)^2], the loss of x-prediction at a zero output on unit-variance latents."""
        return self.mean_over_t(lambda time: time**-2, t_min)


def _larger_by(gap: float, larger: LogitNormal, smaller: LogitNormal) -> float:
    lowest = larger.score(gap)

    def integrand(score: float) -> float:
        below = max(larger.time(score) - gap, 0.0)
        return float(stats.norm.pdf(score)) * float(smaller.cdf(np.array(below)))

    steps = (larger.score(gap + smaller.time(place)) for place in (-4.0, 0.0, 4.0))
    edges = {lowest, lowest + 1, max(lowest, 0.0) + 4, max(lowest, 0.0) + _TAIL}
    inside = {float(step) for step in steps if lowest < step < max(edges)}
    return _integral(integrand, sorted(edges | inside))


def _mean_where_larger(
    function: Callable[[float], float], t_min: float, larger: LogitNormal, smaller: LogitNormal
) -> float:
    def integrand(score: float) -> float:
        time = larger.time(score)
        return function(max(time, t_min)) * float(stats.norm.pdf(score)) * float(smaller.cdf(np.array(time)))

    kinks = [larger.score(t_min)] if t_min > 0 else []
    kinks += [larger.score(smaller.time(place)) for place in (-4.0, 0.0, 4.0)]
    return _integral(integrand, sorted({-_TAIL, 0.0, _TAIL, *(float(np.clip(kink, -_TAIL, _TAIL)) for kink in kinks)}))


def _integral(function: Callable[[float], float], edges: list[float]) -> float:
    """Adaptive quadrature between neighbouring edges, which mark kinks and peaks."""
    parts = [integrate.quad(function, low, high, epsabs=1e-13, epsrel=1e-9)[0] for low, high in pairwise(edges)]
    return float(sum(parts))
