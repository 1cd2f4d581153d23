"""The torus that the quickest trainings learn, and the two distances from it."""

import numpy as np
import pytest

from neuromf.torus.distribution import DIRECTIONS, draw_points, frame, sliced_wasserstein, torus_distance, torus_points

COUNT = 4096
TRUE = 0.03
"""Bound on the Wasserstein distance of 4,096 true points. Seeds 0 to 9: 0.009 to 0.020; of noise 0.20 to 0.21."""


def angles(seed=0):
    return np.random.default_rng(seed).uniform(0, 2 * np.pi, (COUNT, 2))


@pytest.mark.parametrize("dims", [4, 64])
def test_a_drawn_point_lies_on_the_torus(dims):
    """In 4 and in 64 dims every drawn point is at distance 0, and no two are equal."""
    points = draw_points(100, np.random.default_rng(0), dims)
    assert points.shape == (100, dims)
    assert torus_distance(points).max() < 1e-12
    assert len(np.unique(points, axis=0)) == 100


def test_a_coordinate_has_variance_one_half_and_no_mean():
    """The cosine of a uniform angle has mean 0 and variance 1/2, and no two coordinates are correlated."""
    points = draw_points(100_000, np.random.default_rng(0))
    assert np.abs(points.mean(axis=0)).max() < 0.01  # four standard errors of 100,000 draws
    assert np.cov(points.T) == pytest.approx(np.eye(4) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("point", "distance"), [((0, 0, 0, 0), 2**0.5), ((2, 0, 0, 1), 1.0), ((0, -4, 5, 0), 5.0), ((1, 0, 0.5, 0), 0.5)]
)
def test_distance_is_that_of_the_nearest_point(point, distance):
    """Points whose nearest point of the torus is plain to see have its distance, in a larger space too."""
    points = np.array([point], dtype=float)
    assert torus_distance(points) == pytest.approx(distance)
    assert torus_distance(points @ frame(64).T) == pytest.approx(distance)


def test_distance_counts_what_leaves_the_torus_s_space():
    """A step of 3 out of the four-dimensional space in which the torus lies is a distance of 3."""
    away = np.random.default_rng(1).standard_normal(64)
    away -= frame(64) @ (frame(64).T @ away)
    point = torus_points(angles()[:1]) @ frame(64).T + 3 * away / np.linalg.norm(away)
    assert torus_distance(point) == pytest.approx(3.0)


@pytest.mark.parametrize("seed", range(3))
def test_true_points_are_near_in_the_sense_of_wasserstein(seed):
    """A true sample is nearly at 0, noise of the same spread is not."""
    assert sliced_wasserstein(draw_points(COUNT, np.random.default_rng(seed))) < TRUE
    assert sliced_wasserstein(np.random.default_rng(seed).standard_normal((COUNT, 4))) > 6 * TRUE


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(lambda pair: pair[:, [0, 0]], id="two angles that are one"),
        pytest.param(lambda pair: pair % np.pi, id="half of each circle"),
        pytest.param(lambda pair: pair * [1, 0], id="one circle collapsed"),
    ],
)
def test_points_on_the_torus_that_are_badly_spread_are_far(pairs):
    """Dependent angles, holes and collapse leave the distance from the torus at 0 and show in the Wasserstein one."""
    points = torus_points(pairs(angles()))
    assert torus_distance(points).max() < 1e-12
    assert sliced_wasserstein(points) > TRUE


def test_wasserstein_of_a_shift_is_the_mean_of_its_projections():
    """A true sample moved by d along an axis is at d times the mean absolute cosine of the directions, 0.42 of d."""
    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, 4))
    expected = 5 * np.abs(directions[:, 0] / np.linalg.norm(directions, axis=1)).mean()
    moved = draw_points(COUNT, np.random.default_rng(0)) + np.array([5, 0, 0, 0])
    assert sliced_wasserstein(moved) == pytest.approx(expected, abs=TRUE)
