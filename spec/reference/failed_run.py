"""The raw loss the failed run recorded, and a healthy curve to set beside it.

Source: the review, section 1, table of per-channel losses; each total is the sum of its four channels, a per-voxel mean
of the FM and MF losses added. Epochs between the recorded ones are joined by straight lines of the logarithm; those
before the first recorded one are not recorded and are held at its value, which favours no detector.
"""

from __future__ import annotations

import math

RECORDED_CHANNELS: dict[int, tuple[int, int, int, int]] = {
    24: (274, 160, 45, 44),
    99: (553, 298, 378, 332),
    124: (4_034, 2_773, 2_675, 2_527),
    199: (367_835, 48_745, 23_234, 2_736),
    224: (2_177_681, 296_164, 34_540, 11_039),
}
"""Epoch, counted from 0, to the raw loss of each latent channel."""

EPOCHS = 225


def recorded_curve() -> list[float]:
    """Raw loss of epochs 0..224, log-linear between the five recorded epochs."""
    points = {epoch: float(sum(channels)) for epoch, channels in RECORDED_CHANNELS.items()}
    known = sorted(points)
    return [_interpolate(points, known, epoch) for epoch in range(EPOCHS)]


def _interpolate(points: dict[int, float], known: list[int], epoch: int) -> float:
    if epoch <= known[0]:
        return points[known[0]]
    right = next(k for k in known if k >= epoch)
    left = max(k for k in known if k < epoch)
    share = (epoch - left) / (right - left)
    return math.exp((1 - share) * math.log(points[left]) + share * math.log(points[right]))


HEALTHY_RATIO: list[float] = [5.94 * max(1 / (1 + epoch / 4), 0.15) for epoch in range(EPOCHS)]
"""A run that falls from the zero predictor's loss of x-prediction, 5.94 per dim, to a floor near 0.9."""
