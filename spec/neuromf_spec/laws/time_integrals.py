"""Integrals over the distribution of (r, t), in pure Python so that the static gate needs no scipy.

`neuromf_spec.reference.time_distribution` computes the same numbers with scipy, and tests compare the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Logits = tuple[float, float]
"""Mean and standard deviation of the logit of a time."""
TAIL = 12.0
"""Standard deviations that are integrated; the normal mass beyond is 4e-33."""
_INTERVALS = 600
"""Midpoint intervals; the relative error is 2e-10 at sigma 1 and below 1e-3 up to sigma 3 (measured against scipy)."""


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _logit(probability: float) -> float:
    return math.log(probability) - math.log1p(-probability)


def _density(value: float) -> float:
    return math.exp(-0.5 * value * value) / math.sqrt(2 * math.pi)


def _lower_mass(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


def _midpoints(integrand: Callable[[float], float], low: float, high: float) -> float:
    width = (high - low) / _INTERVALS
    return width * math.fsum(integrand(low + (index + 0.5) * width) for index in range(_INTERVALS))


def gap_probability(
    gap: float, mu: float, sigma: float, uniform_fraction: float, second: Logits | None = None
) -> float:
    """P(t - r > gap) among MF samples: a sorted logit-normal pair mixed with a sorted uniform pair.

    The floor t_min moves t only where t < t_min, hence never a gap above it.

    Args:
        gap: threshold in (0, 1).
        mu: mean of the logits.
        sigma: standard deviation of the logits.
        uniform_fraction: share of uniform pairs.
        second: mean and standard deviation of the second time's logit, where they are its own.
    """
    pair = _pair(mu, sigma, second)
    logit_normal = _gap_above(gap, *pair) + _gap_above(gap, *reversed(pair))
    return (1 - uniform_fraction) * logit_normal + uniform_fraction * (1 - gap) ** 2


def larger_time_below(
    time: float, mu: float, sigma: float, uniform_share: float, second: Logits | None = None
) -> float:
    """P(t < time) of the larger time of a pair, without a floor.

    Args:
        time: threshold in (0, 1).
        mu: mean of the logits.
        sigma: standard deviation of the logits.
        uniform_share: share of all samples whose pair is uniform.
        second: mean and standard deviation of the second time's logit, where they are its own.
    """
    below = [_lower_mass((_logit(time) - mean) / deviation) for mean, deviation in _pair(mu, sigma, second)]
    return (1 - uniform_share) * below[0] * below[1] + uniform_share * time**2


def mean_squared_gap(mu: float, sigma: float, uniform_fraction: float, second: Logits | None = None) -> float:
    """E[(t - r)^2] among MF samples: both variances and the squared distance of the means, 1/6 for a uniform pair.

    Args:
        mu: mean of the logits.
        sigma: standard deviation of the logits.
        uniform_fraction: share of uniform pairs.
        second: mean and standard deviation of the second time's logit, where they are its own.
    """
    pair = _pair(mu, sigma, second)
    means = [_mean_of(lambda time: time, logits) for logits in pair]
    squares = [_mean_of(lambda time: time * time, logits) for logits in pair]
    logit_normal = squares[0] + squares[1] - 2 * means[0] * means[1]
    return (1 - uniform_fraction) * logit_normal + uniform_fraction / 6


def _pair(mu: float, sigma: float, second: Logits | None) -> tuple[Logits, Logits]:
    return (mu, sigma), second or (mu, sigma)


def _mean_of(function: Callable[[float], float], logits: Logits) -> float:
    """E[f(t)] of one logit-normal time."""
    return _midpoints(lambda y: function(_sigmoid(logits[0] + logits[1] * y)) * _density(y), -TAIL, TAIL)


def _gap_above(gap: float, smaller: Logits, larger: Logits) -> float:
    """P(one time exceeds the other by more than gap), by quadrature over the other one's standardised logit."""

    def both(y: float) -> float:
        needed = _sigmoid(smaller[0] + smaller[1] * y) + gap
        return _density(y) * _lower_mass((larger[0] - _logit(needed)) / larger[1]) if needed < 1 else 0.0

    highest = (_logit(1 - gap) - smaller[0]) / smaller[1]
    return _midpoints(both, min(highest, 0.0) - TAIL, min(highest, TAIL))


def mean_over_t(
    function: Callable[[float], float],
    mu: float,
    sigma: float,
    t_min: float,
    uniform_share: float,
    second: Logits | None = None,
) -> float:
    """E[f(t)] where t is the larger time of a pair, floored at t_min.

    Args:
        function: what is averaged.
        mu: mean of the logits.
        sigma: standard deviation of the logits.
        t_min: floor of t.
        uniform_share: share of all samples whose pair is uniform (density 2 t).
        second: mean and standard deviation of the second time's logit, where they are its own.
    """
    pair = _pair(mu, sigma, second)
    logit_normal = _mean_where_larger(function, t_min, *pair) + _mean_where_larger(function, t_min, *reversed(pair))
    uniform = _midpoints(lambda t: function(max(t, t_min)) * 2 * t, 0.0, 1.0) if uniform_share else 0.0
    return (1 - uniform_share) * logit_normal + uniform_share * uniform


def _mean_where_larger(function: Callable[[float], float], t_min: float, larger: Logits, smaller: Logits) -> float:
    """E[f(t); t is the time of the first distribution], by quadrature over its standardised logit."""
    ratio, shift = larger[1] / smaller[1], (larger[0] - smaller[0]) / smaller[1]

    def part(y: float) -> float:
        time = max(_sigmoid(larger[0] + larger[1] * y), t_min)
        return function(time) * _density(y) * _lower_mass(ratio * y + shift)

    return _midpoints(part, -TAIL, TAIL)


def trained_loss_per_dim(
    mu: float, sigma: float, t_min: float, uniform_share: float, second: Logits | None = None
) -> float:
    """Loss a perfect model keeps on unit-variance Gaussian latents, E[1/((1-t)^2 + t^2)], in squared latent units.

    This is Var(e - x | z_t): what no model can know. Latents of smaller predictable variance end lower.
    """
    return mean_over_t(lambda t: 1 / ((1 - t) ** 2 + t**2), mu, sigma, t_min, uniform_share, second)
