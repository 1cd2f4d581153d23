"""The Frechet distance, against the closed form, a matrix root and MONAI."""

import numpy as np
import pytest
import torch
from monai.metrics.fid import get_fid_score
from scipy.linalg import sqrtm

from neuromf.evaluation.metrics.frechet import frechet_distance

GENERATOR = np.random.default_rng(0)


def test_gaussians_have_the_distance_of_the_closed_form():
    """Independent dims: |m1 - m2|^2 + sum (s1 - s2)^2; 40,000 points know it to 2 %."""
    means, scales = np.array([0.5, 0.0, -1.0]), np.array([1.0, 2.0, 0.5])
    one = GENERATOR.standard_normal((40_000, 3))
    other = means + scales * GENERATOR.standard_normal((40_000, 3))
    assert frechet_distance(one, other) == pytest.approx((means**2).sum() + ((1 - scales) ** 2).sum(), rel=0.02)


def test_it_is_the_formula_with_a_matrix_root():
    """Of dependent dims, by scipy's root of the product of the covariances."""
    one, other = (GENERATOR.standard_normal((50, 6)) @ GENERATOR.standard_normal((6, 6)) for _ in range(2))
    root = sqrtm(np.cov(one.T) @ np.cov(other.T)).real
    shift = one.mean(0) - other.mean(0)
    expected = shift @ shift + np.trace(np.cov(one.T) + np.cov(other.T) - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)


def test_it_is_monais_where_that_is_sound():
    """More samples than features, so that the root of the product exists."""
    one, other = GENERATOR.standard_normal((80, 12)), 1.5 * GENERATOR.standard_normal((60, 12)) + 0.3
    expected = float(get_fid_score(torch.from_numpy(one), torch.from_numpy(other)))
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


def test_more_features_than_samples_change_nothing():
    """Columns of zeros and a turn of the axes leave it as it was."""
    one, other = GENERATOR.standard_normal((10, 4)), GENERATOR.standard_normal((8, 4)) + 1
    turn = np.linalg.qr(GENERATOR.standard_normal((40, 40)))[0]
    wide = [np.pad(sample, ((0, 0), (0, 36))) @ turn for sample in (one, other)]
    assert frechet_distance(*wide) == pytest.approx(frechet_distance(one, other), rel=1e-9)


def test_a_sample_has_no_distance_from_itself():
    """But for rounding."""
    one = GENERATOR.standard_normal((20, 5))
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-12)


def test_one_row_has_no_covariance():
    """And no distance."""
    assert np.isnan(frechet_distance(np.ones((1, 3)), np.ones((5, 3))))


def test_features_in_float32_are_computed_in_float64():
    """Covariances of many features lose digits otherwise."""
    draw = np.random.default_rng(3)
    one, other = (draw.normal(100, 1, (20, 8)).astype(np.float32) for _ in range(2))
    found = frechet_distance(one, other)
    assert found == frechet_distance(one.astype(np.float64), other.astype(np.float64))
    assert found == frechet_distance(one, other.astype(np.float64))
