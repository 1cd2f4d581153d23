"""The sliced Wasserstein distance, against closed forms."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from neuromf.evaluation.measures import DIRECTIONS, SlicedDistance, projections
from neuromf.evaluation.sliced import mean_distance, sliced_wasserstein

GENERATOR = np.random.default_rng(0)


def test_a_sample_has_no_distance_from_itself_in_any_order():
    """Points are a set."""
    points = GENERATOR.standard_normal((50, 3))
    assert sliced_wasserstein(points, points[::-1]) == pytest.approx(0, abs=1e-15)


def test_a_shift_is_seen_by_as_much_as_directions_see_of_it():
    """By d along one of n dims: d E|cos|, which in three dims is d / 2."""
    points = GENERATOR.standard_normal((300, 3))
    found = sliced_wasserstein(points, points + np.array([4.0, 0.0, 0.0]), directions=4_000)
    assert found == pytest.approx(2.0, rel=0.03)  # 4,000 directions: 1 %


def test_samples_of_unlike_size_are_compared_as_distributions():
    """A sample and itself twice over are one distribution."""
    points = GENERATOR.standard_normal((40, 2))
    assert sliced_wasserstein(points, np.concatenate([points, points])) == pytest.approx(0, abs=1e-12)


def test_the_mean_is_over_the_given_directions():
    """Along the axes it is the mean of the coordinates' own distances."""
    one, other = GENERATOR.standard_normal((2, 30, 2))
    own = [wasserstein_distance(one[:, axis], other[:, axis]) for axis in (0, 1)]
    assert mean_distance(one, other, np.eye(2)) == pytest.approx(np.mean(own), rel=1e-12)


def test_directions_are_the_seeds():
    """The same for a seed, others for another."""
    one, other = GENERATOR.standard_normal((2, 30, 5))
    first, again, third = (sliced_wasserstein(one, other, directions=4, seed=seed) for seed in (1, 1, 2))
    assert first == again != third


def test_resamples_have_the_distance_that_scipy_gives_them():
    """Rows drawn several times, of samples of unlike size, by scipy projection by projection."""
    one, other = GENERATOR.standard_normal((30, 5)), GENERATOR.standard_normal((20, 5)) + 0.3
    a, b = GENERATOR.integers(30, size=30), GENERATOR.integers(20, size=20)
    expected = np.mean([wasserstein_distance(one[a, k], other[b, k]) for k in range(5)])
    assert SlicedDistance(one, other)(a, b) == pytest.approx(expected, rel=1e-12)


def test_projections_are_on_unit_vectors_that_the_seed_gives():
    """A vector's squares over directions add up to K / D of its own: 64 of 2,000 dims, 18 %."""
    latents = GENERATOR.standard_normal((3, 2_000)).astype(np.float32)
    found = projections(latents, seed=3)
    np.testing.assert_array_equal(found, projections(latents, seed=3))
    assert (found != projections(latents, seed=4)).all()
    np.testing.assert_allclose((found**2).sum(1), (latents**2).sum(1) * DIRECTIONS / 2_000, rtol=0.6)
