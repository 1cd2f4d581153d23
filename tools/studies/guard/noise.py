"""Step losses around a curve: slow noise by epoch, lognormal noise by step, and outliers as 1/t^2 makes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.studies.guard.curves import Curve

CORRELATION = 0.7
"""Of the slow noise of one epoch with that of the next."""
OUTLIER = (10.0, 50.0)
"""An outlier multiplies its step by a number drawn evenly from here."""


@dataclass(frozen=True)
class Noise:
    """One noise level, in log units.

    Attributes:
        name: a word for tables.
        step: standard deviation of a step.
        epoch: standard deviation of an epoch.
        outliers: share of steps that are outliers.
    """

    name: str
    step: float
    epoch: float
    outliers: float


SILENT = Noise("none", 0.0, 0.0, 0.0)
NOISES = (Noise("base", 0.6, 0.10, 0.002), Noise("doubled", 1.2, 0.25, 0.01), Noise("tripled", 1.8, 0.40, 0.02))
"""The first is larger than that of the real healthy trainings, whose noise is in `golden/guard_study/table.md`."""
LEVELS = (*NOISES, SILENT)


def step_losses(curve: Curve, noise: Noise, generator: np.random.Generator) -> NDArray[np.float64]:
    """Raw loss of every step of one noisy run; its mean without outliers and slow noise is the curve."""
    epochs, steps = len(curve.levels), len(curve.levels) * curve.steps_per_epoch
    innovations = generator.standard_normal(epochs)
    slow = np.empty(epochs)
    slow[0] = noise.epoch * innovations[0]
    for epoch in range(1, epochs):
        fresh = noise.epoch * np.sqrt(1 - CORRELATION**2) * innovations[epoch]
        slow[epoch] = CORRELATION * slow[epoch - 1] + fresh
    logs = np.repeat(np.log(curve.levels) + slow, curve.steps_per_epoch)
    logs += noise.step * generator.standard_normal(steps) - noise.step**2 / 2
    outlying = generator.random(steps) < noise.outliers
    logs += outlying * np.log(generator.uniform(*OUTLIER, steps))
    return np.asarray(np.exp(logs))
