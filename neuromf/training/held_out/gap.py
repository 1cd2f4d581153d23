r"""The gap between held-out and trained scans with its interval (law VAL-005).

A raw loss has a tail of :math:`1/t^2`: one sample near t = 0 outweighs all others, and a difference of means says
nothing for hundreds of scans. A sample of a held-out scan has the time and noise of a sample of a training scan, and in
the ratio of their two losses that tail is gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from neuromf_spec.laws.validation import CONFIDENCE, FEWEST_PAIRS
from numpy.typing import NDArray
from scipy.special import stdtrit


@dataclass(frozen=True)
class Gap:
    """By which share the loss of held-out scans is above that of trained ones; negative where it is below.

    Attributes:
        share: geometric mean of the samples' ratios, less 1.
        low: lower end of its interval, 99.9 %; NaN of fewer than four pairs of scans.
        high: upper end.
    """

    share: float
    low: float
    high: float


def gap_of(held_out_NK: NDArray[np.float64], trained_NK: NDArray[np.float64]) -> Gap:
    """The gap of N pairs of scans, by K samples of each that had the same noise and times.

    The scans are the units of Student's interval, for samples of one scan are alike.
    """
    with np.errstate(all="ignore"):  # weights that broke have any losses
        apart_N = np.log(held_out_NK / trained_NK).mean(axis=1)
        count, mean = len(apart_N), float(apart_N.mean())
        if count < FEWEST_PAIRS:
            return Gap(float(np.expm1(mean)), math.nan, math.nan)
        reach = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * apart_N.std(ddof=1) / math.sqrt(count))
        return Gap(*np.expm1([mean, mean - reach, mean + reach]).tolist())
