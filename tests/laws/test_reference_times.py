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
SECOND = st.none() | st.tuples(st.floats(-4, 2), st.floats(0.3, 3))
"""Mean and deviation of the second time's logit, or those of the first."""
UNLIKE = ((-0.6, 1.6), (-4.0, 1.6))
"""As MeanFlow's PyTorch code draws t and r."""


@settings(max_examples=8)
@given(seed=SEEDS, second=SECOND, **LOGITS)
def test_marginals_and_gap_match_simulation(seed, mu, sigma, second):
    """The larger time, the smaller one and the gap of simulated pairs, alike or not, follow the reference."""
    size, pair = 50_000, LogitNormalPair(mu, sigma, *(second or ()))
    means, deviations = zip((mu, sigma), second or (mu, sigma), strict=True)
    drawn = 1 / (1 + np.exp(-(means + deviations * np.random.default_rng(seed).standard_normal((size, 2)))))
    larger, smaller = drawn.max(1), drawn.min(1)
    bound = 2.7 / math.sqrt(size)  # false alarm 1e-6
    assert stats.kstest(larger, pair.t_cdf).statistic <= bound
    assert stats.kstest(smaller, pair.r_cdf).statistic <= bound
    for gap in (0.1, 0.5, 0.9):
        predicted = pair.gap_probability(gap)
        margin = 6 * math.sqrt(predicted * (1 - predicted) / size) + 1 / size
        assert abs(np.mean(larger - smaller > gap) - predicted) <= margin


@settings(max_examples=15)
@given(**LOGITS, second=SECOND, gap=st.sampled_from([0.5, 0.9, 0.95]), fraction=st.floats(0, 1))
def test_pure_python_gap_matches_quadrature(mu, sigma, second, gap, fraction):
    """The static gate's P(t - r > gap) is scipy's to 1e-3 relative, uniform and unlike pairs included."""
    logit_normal = LogitNormalPair(mu, sigma, *(second or ())).gap_probability(gap)
    expected = (1 - fraction) * logit_normal + fraction * (1 - gap) ** 2
    assert gap_probability(gap, mu, sigma, fraction, second) == pytest.approx(expected, rel=1e-3, abs=1e-12)


@settings(max_examples=15)
@given(**LOGITS, second=SECOND, t_min=st.floats(0.001, 0.3))
def test_pure_python_mean_matches_quadrature(mu, sigma, second, t_min):
    """The static gate's means over t, smooth or steep, are scipy's to 1 %, and the smooth one to 1e-4."""
    pair = LogitNormalPair(mu, sigma, *(second or ()))
    smooth = trained_loss_per_dim(mu, sigma, t_min, 0.0, second)
    assert smooth == pytest.approx(pair.mean_over_t(lambda t: 1 / ((1 - t) ** 2 + t**2), t_min), rel=1e-4)
    steep = mean_over_t(lambda t: t**-2, mu, sigma, t_min, 0.0, second)
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


def test_times_that_are_unlike_are_the_same_pair_in_either_order():
    """The larger and the smaller of two do not depend on which is called the first."""
    first, second = UNLIKE
    for gap in (0.1, 0.9):
        assert gap_probability(gap, *first, 0.0, second) == pytest.approx(gap_probability(gap, *second, 0.0, first))
    there, back = (trained_loss_per_dim(*a, 0.05, 0.0, b) for a, b in (UNLIKE, UNLIKE[::-1]))
    assert there == pytest.approx(back)


def test_a_second_time_like_the_first_is_no_second_time():
    """Given twice, a distribution gives the very numbers of a pair that is alike."""
    for gap in (0.1, 0.9):
        assert gap_probability(gap, 0.3, 0.7, 0.2, (0.3, 0.7)) == gap_probability(gap, 0.3, 0.7, 0.2)
    assert trained_loss_per_dim(0.3, 0.7, 0.05, 0.2, (0.3, 0.7)) == trained_loss_per_dim(0.3, 0.7, 0.05, 0.2)


def test_known_numbers_of_the_published_unlike_sampler():
    """Times around -0.6 and -4 with deviation 1.6 have E[t] 0.405 and P(t - r > 0.9) 0.0244, as simulated."""
    pair = LogitNormalPair(*UNLIKE[0], *UNLIKE[1])
    assert pair.mean_over_t(lambda t: t) == pytest.approx(0.4051, abs=5e-5)
    assert pair.gap_probability(0.9) == pytest.approx(0.0244, abs=5e-5)
