"""The reference distribution of times against simulation, and the static gate's integrals against it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.laws.time_integrals import gap_probability, mean_over_t, trained_loss_per_dim
from neuromf_spec.reference.time_distribution import LogitNormalPair
from scipy import stats

from tests.support.law_strategies import SEEDS

LOGITS = {"mu": st.floats(-2, 2), "sigma": st.floats(0.3, 3)}


@settings(max_examples=8)
@given(seed=SEEDS, **LOGITS)
def test_marginals_and_gap_match_simulation(seed, mu, sigma):
    """The larger time, the smaller one and the gap of simulated pairs follow the reference."""
    size, pair = 50_000, LogitNormalPair(mu, sigma)
    drawn = 1 / (1 + np.exp(-(mu + sigma * np.random.default_rng(seed).standard_normal((size, 2)))))
    larger, smaller = drawn.max(1), drawn.min(1)
    bound = 2.7 / math.sqrt(size)  # false alarm 1e-6
    assert stats.kstest(larger, pair.t_cdf).statistic <= bound
    assert stats.kstest(smaller, pair.r_cdf).statistic <= bound
    for gap in (0.1, 0.5, 0.9):
        predicted = pair.gap_probability(gap)
        margin = 6 * math.sqrt(predicted * (1 - predicted) / size) + 1 / size
        assert abs(np.mean(larger - smaller > gap) - predicted) <= margin


@settings(max_examples=15)
@given(**LOGITS, gap=st.sampled_from([0.5, 0.9, 0.95]), fraction=st.floats(0, 1))
def test_pure_python_gap_matches_quadrature(mu, sigma, gap, fraction):
    """The static gate's P(t - r > gap) is scipy's to 1e-3 relative, uniform pairs included."""
    expected = (1 - fraction) * LogitNormalPair(mu, sigma).gap_probability(gap) + fraction * (1 - gap) ** 2
    assert gap_probability(gap, mu, sigma, fraction) == pytest.approx(expected, rel=1e-3, abs=1e-12)


@settings(max_examples=15)
@given(**LOGITS, t_min=st.floats(0.001, 0.3))
def test_pure_python_mean_matches_quadrature(mu, sigma, t_min):
    """The static gate's means over t, smooth or steep, are scipy's to 1 %, and the smooth one to 1e-4."""
    pair = LogitNormalPair(mu, sigma)
    smooth = trained_loss_per_dim(mu, sigma, t_min, 0.0)
    assert smooth == pytest.approx(pair.mean_over_t(lambda t: 1 / ((1 - t) ** 2 + t**2), t_min), rel=1e-4)
    steep = mean_over_t(lambda t: t**-2, mu, sigma, t_min, 0.0)
    assert steep == pytest.approx(pair.inverse_square(t_min), rel=1e-2)


def test_known_numbers_of_the_default_sampler():
    """The default sampler has the moments that simulation finds too: E[t] 0.5347, E[1/max(t, 0.05)^2] 5.94."""
    pair = LogitNormalPair(-0.4, 1.0)
    assert pair.mean_over_t(lambda t: t) == pytest.approx(0.5347, abs=5e-5)
    assert pair.inverse_square(0.05) == pytest.approx(5.94, abs=0.005)
    assert float(pair.t_cdf(np.array(0.05))) == pytest.approx(3.0e-5, abs=0.05e-5)
    assert pair.gap_probability(0.5) == pytest.approx(0.0846, abs=5e-5)
    assert pair.gap_probability(0.9) == pytest.approx(1.44e-5, abs=0.005e-5)


def test_uniform_pairs_are_averaged_by_their_own_density():
    """With uniform pairs alone E[t] is 2/3, and with the floor 0.3 it is the integral of max(t, 0.3) 2t."""
    assert mean_over_t(lambda t: t, -0.4, 1.0, 0.0, 1.0) == pytest.approx(2 / 3, rel=1e-5)
    floored = 0.3 * 0.3**2 + 2 / 3 * (1 - 0.3**3)
    assert mean_over_t(lambda t: t, -0.4, 1.0, 0.3, 1.0) == pytest.approx(floored, rel=1e-5)
