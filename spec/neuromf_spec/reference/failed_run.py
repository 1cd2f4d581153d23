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
STEPS_PER_EPOCH = 30
"""The review, section 4.2."""
FAILED_RUN_START = 47.5203
"""Loss of predicting nothing in the unit of its record: 8 E[1/max(t, 0.05)^2] of x-prediction, four channels of unit
variance in each of the FM and MF losses. A test compares it with its quadrature; here nothing heavy may be imported."""


def recorded_curve() -> list[float]:
    """Raw loss of epochs 0..224, log-linear between the five recorded epochs."""
    points = {epoch: float(sum(channels)) for epoch, channels in RECORDED_CHANNELS.items()}
    return interpolated(points, EPOCHS)


def interpolated(points: dict[int, float], epochs: int) -> list[float]:
    """A level for each epoch, log-linear between the recorded ones and held at the first before it.

    Args:
        points: recorded epoch -> level; the last epoch is one of them.
        epochs: number of epochs.
    """
    known = sorted(points)
    return [_level(points, known, epoch) for epoch in range(epochs)]


def _level(points: dict[int, float], known: list[int], epoch: int) -> float:
    if epoch <= known[0]:
        return points[known[0]]
    right = next(k for k in known if k >= epoch)
    left = max(k for k in known if k < epoch)
    share = (epoch - left) / (right - left)
    return math.exp((1 - share) * math.log(points[left]) + share * math.log(points[right]))


HEALTHY_START = 5.94
HEALTHY_RATIO: list[float] = [HEALTHY_START * max(1 / (1 + epoch / 4), 0.15) for epoch in range(EPOCHS)]
"""A run that falls from the zero predictor's loss of x-prediction, 5.94 per dim, to a floor near 0.9."""
