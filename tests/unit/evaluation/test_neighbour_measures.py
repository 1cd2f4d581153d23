"""Precision, recall, density and coverage, against loops over points."""

import numpy as np
import pytest

from neuromf.evaluation.metrics.neighbours import manifold, nearest_other

GENERATOR = np.random.default_rng(0)


def apart(one, other):
    return np.linalg.norm(one[:, None] - other[None], axis=2)


def measured(real, samples, k):
    return manifold(apart(real, real), apart(samples, samples), apart(samples, real), k)


def radius(points, place, k):
    """Distance from a point to its k-th nearest other one."""
    return sorted(np.linalg.norm(points[place] - other) for i, other in enumerate(points) if i != place)[k - 1]


def by_loops(real, samples, k):
    """The four numbers as their papers define them."""
    real_balls = [(p, radius(real, i, k)) for i, p in enumerate(real)]
    sample_balls = [(p, radius(samples, i, k)) for i, p in enumerate(samples)]

    def balls_around(point, balls):
        return sum(np.linalg.norm(point - middle) <= reach for middle, reach in balls)

    precision = np.mean([balls_around(s, real_balls) > 0 for s in samples])
    recall = np.mean([balls_around(r, sample_balls) > 0 for r in real])
    density = np.mean([balls_around(s, real_balls) for s in samples]) / k
    coverage = np.mean([any(np.linalg.norm(s - r) <= reach for s in samples) for r, reach in real_balls])
    return precision, recall, density, coverage


@pytest.mark.parametrize("k", [1, 3])
def test_they_are_what_their_papers_define(k):
    """Samples of other size and place than the real points."""
    real, samples = GENERATOR.standard_normal((12, 2)), 0.7 * GENERATOR.standard_normal((9, 2)) + 0.5
    found = measured(real, samples, k)
    expected = by_loops(real, samples, k)
    assert (found.precision, found.recall, found.density, found.coverage) == pytest.approx(expected)


def test_points_of_one_distribution_cover_each_other():
    """All four are near 1, as Naeem et al. show in expectation."""
    found = measured(*GENERATOR.standard_normal((2, 300, 4)), 5)
    assert min(found.precision, found.recall, found.density, found.coverage) > 0.85


def test_samples_of_one_mode_are_precise_and_cover_nothing():
    """What a collapse looks like."""
    found = measured(GENERATOR.standard_normal((60, 3)), 0.01 * GENERATOR.standard_normal((60, 3)), 5)
    assert found.precision == 1.0
    assert found.recall == 0.0
    assert found.coverage < 0.5


def test_noise_is_not_precise():
    """Points far from all others lie in no ball."""
    found = measured(GENERATOR.standard_normal((60, 3)), 50 + GENERATOR.standard_normal((60, 3)), 5)
    assert found.precision == found.density == found.coverage == 0.0


def test_a_single_point_has_no_neighbours():
    """And no numbers."""
    assert np.isnan(measured(np.zeros((1, 2)), np.zeros((4, 2)), 5).precision)


def test_the_nearest_other_point_is_not_the_point_itself():
    """Of 0, 1 and 5."""
    points = np.array([[0.0], [1.0], [5.0]])
    assert nearest_other(apart(points, points)).tolist() == [1.0, 1.0, 4.0]
