r"""What a validation decides, from its numbers alone (laws VAL-002, VAL-005, VAL-006): written as it is defined.

Nothing here goes on from one validation to the next: each question is answered from the whole list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def gap_interval(held_out: Sequence[float], trained: Sequence[float], confidence: float) -> tuple[float, float, float]:
    """Mean difference of paired losses, and Student's interval around it.

    Args:
        held_out: losses of validation scans.
        trained: losses of training scans, each with the noise and times of its partner.
        confidence: of the two-sided interval.

    Returns:
        Mean, lower and upper end; the ends are NaN of fewer than two pairs.
    """
    difference = np.asarray(held_out, dtype=np.float64) - np.asarray(trained, dtype=np.float64)
    mean = float(difference.mean())
    if len(difference) < 2:
        return mean, math.nan, math.nan
    error = float(np.std(difference, ddof=1)) / math.sqrt(len(difference))
    reach = float(stats.t.ppf(0.5 + confidence / 2, len(difference) - 1)) * error
    return mean, mean - reach, mean + reach


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
