"""Power by spatial frequency, against waves that are known and Parseval's theorem."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from neuromf.evaluation.metrics.spectrum import band_power, spectrum_difference

GENERATOR = np.random.default_rng(0)


def test_a_wave_has_its_power_in_its_own_band():
    """A quarter of a cycle a voxel lies halfway to Nyquist."""
    wave = np.cos(2 * np.pi * 0.25 * np.arange(32))[None, None, :] * np.ones((32, 32, 1))
    power = band_power(wave)
    assert len(power) == 8
    assert power.argmax() == 4
    assert power[4] > 1e6 * np.delete(power, 4).max()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_all_axes_are_alike(axis):
    """The half transform along the last axis counts both signs."""
    volume = GENERATOR.standard_normal((16, 16, 16))
    np.testing.assert_allclose(band_power(np.moveaxis(volume, 0, axis)), band_power(volume), rtol=1e-4)


@pytest.mark.parametrize("shape", [(12, 10, 8), (9, 11, 7)])
def test_it_is_the_whole_transform_band_by_band(shape):
    """Against the full complex transform with a loop over bands, for even and odd sizes."""
    volume = GENERATOR.standard_normal(shape)
    power = np.abs(np.fft.fftn(volume - volume.mean())) ** 2 / volume.size
    axes = np.meshgrid(*(np.fft.fftfreq(size) for size in shape), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    edges = np.arange(5) / 4 / 2
    for band, (low, high) in enumerate(pairwise(edges)):
        inside = (radius >= low) & (radius < high)
        assert band_power(volume, bands=4)[band] == pytest.approx(power[inside].mean(), rel=1e-4)


def test_white_noise_is_level_at_its_variance():
    """Parseval: every coefficient has the variance of a voxel."""
    power = band_power(0.3 * GENERATOR.standard_normal((48, 48, 48)))
    assert len(power) == 12
    np.testing.assert_allclose(power[2:], 0.09, rtol=0.1)


def test_blur_takes_fine_structure():
    """And is seen in decibels."""
    noise = GENERATOR.standard_normal((4, 32, 32, 32))
    sharp, soft = (np.stack([band_power(blur(one)) for one in noise]) for blur in (np.asarray, smooth))
    assert spectrum_difference(sharp, soft) > 5
    assert spectrum_difference(sharp, sharp[::-1]) == pytest.approx(0, abs=1e-12)


def smooth(volume):
    return ndimage.gaussian_filter(volume, 1.0)


def test_a_tenth_of_the_amplitude_is_twenty_decibels():
    """In every band."""
    powers = np.stack([band_power(GENERATOR.standard_normal((16, 16, 16)))])
    assert spectrum_difference(powers, powers / 100) == pytest.approx(20.0)
