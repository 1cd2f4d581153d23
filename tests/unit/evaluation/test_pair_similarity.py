"""MS-SSIM of pairs, against an implementation of its own and by what must hold."""

import numpy as np
import pytest
from scipy import ndimage

from neuromf.evaluation.image_measures import Pairs
from neuromf.evaluation.metrics.similarity import KERNEL, SIGMA, pair_similarities, pairs_of, scale_weights

GENERATOR = np.random.default_rng(0)


def smooth_volumes(count, size=32):
    noise = ndimage.gaussian_filter(GENERATOR.standard_normal((count, size, size, size)), (0, 2, 2, 2))
    return (0.5 + noise / noise.std() / 6).clip(0, 1).astype(np.float32)


def gaussian(volume):
    """The window's mean, where it lies inside: a separable filter cut at the window's edge."""
    reach = KERNEL // 2
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / 2 / SIGMA**2)
    for axis in range(3):
        volume = ndimage.correlate1d(volume, kernel / kernel.sum(), axis=axis)
    return volume[reach:-reach, reach:-reach, reach:-reach]


def ms_ssim(one, other, weights):
    """Wang, Simoncelli and Bovik 2003, Eq. 7, with scipy's filters."""
    one, other, product = one.astype(float), other.astype(float), 1.0
    for scale, weight in enumerate(weights):
        mean, mean_other = gaussian(one), gaussian(other)
        spread, spread_other = gaussian(one**2) - mean**2, gaussian(other**2) - mean_other**2
        common = gaussian(one * other) - mean * mean_other
        contrast = (2 * common + 0.03**2) / (spread + spread_other + 0.03**2)
        light = (2 * mean * mean_other + 0.01**2) / (mean**2 + mean_other**2 + 0.01**2)
        last = scale == len(weights) - 1
        product *= max(float((light * contrast if last else contrast).mean()), 0) ** weight
        one, other = (v.reshape(*(s for n in v.shape for s in (n // 2, 2))).mean((1, 3, 5)) for v in (one, other))
    return product


def test_it_is_the_formula():
    """Of two smooth volumes, in three scales."""
    one, other = smooth_volumes(2)
    expected = ms_ssim(one, other, scale_weights((32, 32, 32)))
    assert pair_similarities(np.stack([one, other]), [(0, 1)])[0] == pytest.approx(expected, rel=1e-4)


def test_a_volume_is_like_itself():
    """1, and less with any other."""
    volumes = smooth_volumes(2)
    same, unlike = pair_similarities(volumes, [(0, 0), (0, 1)])
    assert same == pytest.approx(1.0, abs=1e-5)
    assert unlike < 0.95


@pytest.mark.parametrize("count", [2, 3, 4, 5, 9, 20])
def test_pairs_are_of_different_volumes_each_once(count):
    """And each volume is in as many as every other."""
    pairs = pairs_of(count)
    assert all(one < other for one, other in pairs)
    assert len(set(pairs)) == len(pairs)
    times = np.bincount(np.array(pairs).ravel(), minlength=count)
    assert times.min() == times.max() > 0


def test_scales_fit_the_volume_by_monais_own_rule():
    """Three at 32 voxels, fewer where a window would not fit; weights add up to 1."""
    assert [len(scale_weights((size,) * 3)) for size in (64, 32, 28, 27, 8)] == [3, 3, 3, 2, 2]
    assert sum(scale_weights((32, 32, 32))) == pytest.approx(1.0)


def test_a_resample_weighs_pairs_by_how_often_both_were_drawn():
    """A volume that was drawn twice makes no pair with itself."""
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0.1, 0.2, 0.6]), 3)
    assert pairs.mean(np.array([0, 1, 2])) == pytest.approx(0.3)
    assert pairs.mean(np.array([0, 0, 1])) == pytest.approx(0.1)
    assert np.isnan(pairs.mean(np.array([1, 1, 1])))
