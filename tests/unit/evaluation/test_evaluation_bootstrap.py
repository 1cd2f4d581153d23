"""Intervals of resamples: what they hold, and what they are drawn by."""

import numpy as np
import pytest
from scipy.stats import norm

from neuromf.evaluation.metrics.bootstrap import Interval, all_rows, bootstrap, single_units


def test_the_interval_holds_the_true_mean_nearly_as_often_as_it_says():
    """Of a mean of 40 normal numbers, in 200 repetitions: 95 % less what so few cost, by a binomial's three sigmas."""
    generator, held = np.random.default_rng(0), 0
    for trial in range(200):
        values = generator.standard_normal(40)
        found = bootstrap(lambda rows, values=values: float(values[rows].mean()), single_units(40), seed=trial)
        held += found.low <= 0 <= found.high
    assert held / 200 >= 0.93 - 3 * np.sqrt(0.95 * 0.05 / 200)


def test_the_width_is_that_of_the_standard_error():
    """2 x 1.96 sigma / sqrt(n), which 2,000 resamples know to a few percent."""
    values = np.random.default_rng(1).standard_normal(100)
    found = bootstrap(lambda rows: float(values[rows].mean()), single_units(100), resamples=2_000)
    assert found.high - found.low == pytest.approx(2 * norm.ppf(0.975) * values.std() / 10, rel=0.1)


def test_whole_subjects_are_drawn():
    """Ten subjects of five equal scans are ten numbers, not fifty."""
    values = np.repeat(np.random.default_rng(2).standard_normal(10), 5)
    subjects = [np.arange(5 * place, 5 * place + 5) for place in range(10)]

    def mean(rows):
        return float(values[rows].mean())

    whole, single = bootstrap(mean, subjects), bootstrap(mean, single_units(50))
    assert whole.high - whole.low > 1.7 * (single.high - single.low)  # the root of 5 is 2.2


def test_what_resampling_adds_to_a_distance_is_taken_off():
    """The nearest neighbour in a resample is often the point itself; the interval lies around the value."""
    points = np.random.default_rng(3).standard_normal((30, 2))

    def nearest(rows):
        apart = np.linalg.norm(points[rows][:, None] - points[rows][None], axis=2)
        np.fill_diagonal(apart, np.inf)
        return float(apart.min(1).mean())

    found = bootstrap(nearest, single_units(30))
    assert found.low <= found.value <= found.high


def test_an_interval_ends_where_there_are_no_values():
    """A share is never below 0 or above 1."""
    values = np.array([0.0] * 29 + [1.0])
    found = bootstrap(lambda rows: float(values[rows].mean()), single_units(30), least=0.0, most=1.0)
    assert found.low == 0.0


def test_a_seed_gives_one_interval():
    """The same again for a seed, another for another."""
    values = np.random.default_rng(4).standard_normal(20)
    one, again, other = (
        bootstrap(lambda rows: float(values[rows].mean()), single_units(20), seed=seed) for seed in (5, 5, 6)
    )
    assert one == again != other


def test_a_statistic_without_a_value_has_no_interval():
    """NaN of one resample is told, not left out."""
    found = bootstrap(lambda rows: float("nan"), single_units(3))
    assert isinstance(found, Interval)
    assert np.isnan([found.value, found.low, found.high]).all()


def test_rows_of_units_are_joined_in_order():
    """Each as often as its unit is there."""
    assert all_rows([np.array([3, 4]), np.array([0]), np.array([3, 4])]).tolist() == [3, 4, 0, 3, 4]
