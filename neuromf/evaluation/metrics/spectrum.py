"""How much of a volume is coarse and how much is fine: its power by spatial frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BANDS = 16
"""Most shells, up to Nyquist's two voxels a wave; corners of the cube beyond that are left out."""
_ROUNDING = 1e-9
"""Of a radius, so that a wave on the border of two shells is in the same one along every axis."""
LEAST_POWER = 1e-12
"""Of a voxel with values in [0, 1], where a float32 has nothing left to say."""


def band_power(volume: NDArray[np.floating], bands: int | None = None) -> NDArray[np.float64]:
    """Mean power of a volume (X, Y, Z) in shells of equal width in cycles a voxel, the lowest first.

    Small volumes have fewer shells, two waves wide, so that none is empty. The mean is no part of the lowest.
    By Parseval's theorem all coefficients together, divided by their number, are the sum of squares of the voxels.
    """
    bands = bands or max(1, min(BANDS, min(volume.shape) // 4))
    values = np.fft.rfftn(np.asarray(volume, dtype=np.float32) - float(volume.mean()))
    axes = [np.fft.fftfreq(size) for size in volume.shape[:-1]] + [np.fft.rfftfreq(volume.shape[-1])]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij", sparse=True)))
    # A half of the transform stands for both, but for the planes that are their own mirror.
    twice = np.full(values.shape[-1], 2.0)
    twice[0] = 1.0
    if volume.shape[-1] % 2 == 0:
        twice[-1] = 1.0
    shell = np.minimum((radius / 0.5 * bands + _ROUNDING).astype(int), bands)
    weights = np.broadcast_to(twice, values.shape).ravel()
    power = np.bincount(shell.ravel(), weights * np.abs(values.ravel()) ** 2, minlength=bands + 1)[:bands]
    count = np.bincount(shell.ravel(), weights, minlength=bands + 1)[:bands]
    return np.asarray(power / np.maximum(count, 1) / volume.size, dtype=np.float64)


def spectrum_difference(one_NK: NDArray[np.float64], other_MK: NDArray[np.float64]) -> float:
    """Root mean square over bands of the difference of two samples' mean log power, in dB; 0 where alike."""
    one, other = (decibels(powers).mean(0) for powers in (one_NK, other_MK))
    return float(np.sqrt(np.mean((one - other) ** 2)))


def decibels(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """10 log10 of powers."""
    return np.asarray(10 * np.log10(np.maximum(powers, LEAST_POWER)), dtype=np.float64)
