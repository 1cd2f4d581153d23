"""The gap between held-out and trained scans with its interval (law VAL-005)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from neuromf_spec.laws.validation import CONFIDENCE, FEWEST_PAIRS
from numpy.typing import NDArray
from scipy.special import stdtrit


@dataclass(frozen=True)
class Gap:
    """Loss of held-out scans above that of trained ones.

    Attributes:
        mean: of the pairs' differences.
        low: lower end of Student's interval, 99 %; NaN of fewer than two pairs.
        high: upper end.
    """

    mean: float
    low: float
    high: float


def gap_of(held_out_N: NDArray[np.float64], trained_N: NDArray[np.float64]) -> Gap:
    """The gap of N pairs of scans that had the same noise and times, which therefore drop out of its error."""
    apart_N, count = held_out_N - trained_N, len(held_out_N)
    mean = float(apart_N.mean())
    if count < FEWEST_PAIRS:
        return Gap(mean, math.nan, math.nan)
    reach = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * apart_N.std(ddof=1) / math.sqrt(count))
    return Gap(mean, mean - reach, mean + reach)
