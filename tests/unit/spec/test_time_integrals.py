"""The laws' pure-Python integrals over (r, t) against scipy and against draws."""

import numpy as np
import pytest
from neuromf_spec.laws.finite_difference import MEAN_SQUARED_GAP, TRAINED_LOSS
from neuromf_spec.laws.time_integrals import larger_time_below, mean_squared_gap, trained_loss_per_dim
from scipy import special

PAIRS = [(-0.4, 1.0), (-2.0, 2.0), (0.8, 0.8)]
DRAWS = 400_000


def drawn_pairs(mu, sigma, uniform):
    generator = np.random.default_rng(0)
    times = special.expit(mu + sigma * generator.standard_normal((DRAWS, 2)))
    flat = generator.uniform(size=(DRAWS, 2))
    return np.where(generator.uniform(size=(DRAWS, 1)) < uniform, flat, times)


@pytest.mark.parametrize(("mu", "sigma"), PAIRS)
@pytest.mark.parametrize("uniform", [0.0, 0.3, 1.0])
def test_the_squared_gap_is_that_of_drawn_pairs(mu, sigma, uniform):
    """E[(t - r)^2] by quadrature equals the mean over 400,000 drawn pairs, within five standard errors."""
    squares = np.subtract(*drawn_pairs(mu, sigma, uniform).T) ** 2
    error = 5 * squares.std() / np.sqrt(DRAWS)
    assert mean_squared_gap(mu, sigma, uniform) == pytest.approx(squares.mean(), abs=error)


@pytest.mark.parametrize(("mu", "sigma"), PAIRS)
@pytest.mark.parametrize("time", [0.05, 0.5])
def test_the_share_of_small_times_is_that_of_drawn_pairs(mu, sigma, time):
    """P(t < time) of the larger time equals the share of 400,000 drawn pairs, within five standard errors."""
    share = float((drawn_pairs(mu, sigma, 0.2).max(axis=1) < time).mean())
    expected = larger_time_below(time, mu, sigma, 0.2)
    assert share == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / DRAWS))


def test_the_defaults_of_the_difference_law_are_the_published_times():
    """The squared gap and the loss that JVP-003 takes where none is given are those of logit-normal(-0.4, 1)."""
    assert pytest.approx(mean_squared_gap(-0.4, 1.0, 0.0), rel=5e-3) == MEAN_SQUARED_GAP
    assert pytest.approx(trained_loss_per_dim(-0.4, 1.0, 1e-9, 0.0), rel=1e-3) == TRAINED_LOSS
