r"""What a validation decides, from its numbers alone (laws VAL-002, VAL-005, VAL-006): written as it is defined.

Nothing here goes on from one validation to the next: each question is answered from the whole list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def gap_interval(held_out: Array, trained: Array, confidence: float) -> tuple[float, float, float]:
    """Geometric mean of the ratios of paired losses, less 1, and Student's interval of it over scans.

    Args:
        held_out: losses of validation scans (scans, samples).
        trained: losses of training scans, each sample with the noise and time of its partner.
        confidence: of the two-sided interval.

    Returns:
        Share, lower and upper end; the ends are NaN of fewer than four pairs.
    """
    logarithms = [
        sum(math.log(a) - math.log(b) for a, b in zip(first, second, strict=True)) / len(first)
        for first, second in zip(held_out, trained, strict=True)
    ]
    mean = sum(logarithms) / len(logarithms)
    if len(logarithms) < 4:
        return math.exp(mean) - 1, math.nan, math.nan
    low, high = stats.ttest_1samp(logarithms, 0.0).confidence_interval(confidence)
    return math.exp(mean) - 1, math.exp(low) - 1, math.exp(high) - 1


def new_bests(values: Sequence[float], min_improvement: float) -> list[int]:
    """Places whose value is below every best before by that share of it; the first finite one always."""
    found: list[int] = []
    for place, value in enumerate(values):
        if math.isfinite(value) and all(value < values[best] - min_improvement * abs(values[best]) for best in found):
            found.append(place)
    return found


def stop_at(values: Sequence[float], patience: int, min_improvement: float) -> int | None:
    """Place of the validation after which the run ends: the first with `patience` in a row up to it without a best."""
    bests = set(new_bests(values, min_improvement))
    for place in range(len(values)):
        run = range(place - patience + 1, place + 1)
        if run[0] >= 0 and not bests & set(run):
            return place
    return None


def validation_steps(steps: int, micro_batches: int, accumulation: int, every_epochs: int) -> list[int]:
    """Optimiser steps (from 0) that a validation follows: the last one of every so many epochs, and of the run.

    Args:
        steps: of the run.
        micro_batches: of an epoch.
        accumulation: micro-batches of a step.
        every_epochs: from one validation to the next.
    """

    def epoch(step: int) -> int:
        """In which a step consumes its last micro-batch."""
        return ((step + 1) * accumulation - 1) // micro_batches

    ends = {number * every_epochs for number in range(1, epoch(steps) + 2)}
    return [s for s in range(steps) if s == steps - 1 or any(epoch(s) < end <= epoch(s + 1) for end in ends)]
