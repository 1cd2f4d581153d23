"""What a network learned of a known distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OneStepOutcome:
    """One distribution's training, judged by samples.

    Distances are sliced Wasserstein distances from fresh data, in units of a coordinate.

    Attributes:
        truth: name of the distribution.
        steps: optimiser steps.
        distances: by network evaluations a sample; NaN where the samples are not finite.
        errors: by network evaluations, what the code's sampler raised.
        spread: standard deviation of one-step samples over that of data, mean over the coordinates.
        real: distance of fresh data from fresh data.
        noise: distance of the noise that samples are made of.
        seconds: of the training.
    """

    truth: str
    steps: int
    distances: Mapping[int, float]
    errors: Mapping[int, str]
    spread: float
    real: float
    noise: float
    seconds: float

    def __str__(self) -> str:
        """A sentence with its numbers."""
        told = [f"{self.distances[n]:.3f} in {n}" for n in self.distances]
        for error in dict.fromkeys(self.errors.values()):
            told.append(f"none in {' and '.join(str(n) for n in self.errors if self.errors[n] == error)} ({error})")
        return (
            f"{self.truth}, {self.steps} steps: one-step spread {self.spread:.2f} of the truth; "
            f"distance {', '.join(told)} (real from real {self.real:.3f}, noise {self.noise:.3f})"
        )
