"""The distribution of (r, t) and which samples have r = t (laws TIME-001, TIME-002, TIME-003)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from neuromf.flow.settings import TimeSettings

NORMALS_PER_SAMPLE = 2
"""Standard normal draws one sample consumes."""
UNIFORMS_PER_SAMPLE = 3
"""Uniform draws one sample consumes: one to choose the slice, two for a uniform pair."""


@dataclass(frozen=True)
class TimePairs:
    """Times of a batch.

    Attributes:
        r_B: start of the averaging interval, 0 <= r <= t.
        t_B: end of the interval and time of the sample, t_min <= t <= 1.
        is_fm_B: True where r = t, a flow-matching sample.
    """

    r_B: NDArray[np.float64]
    t_B: NDArray[np.float64]
    is_fm_B: NDArray[np.bool_]


def fm_mask(start: int, count: int, data_proportion: float) -> NDArray[np.bool_]:
    """Which of the samples `start .. start + count - 1` of a run are FM samples (law TIME-002).

    Sample g is one when floor((g + 1) p) > floor(g p). Any window of n samples then holds p n of them to within one,
    however the run is cut into micro-batches, ranks or restarts; a per-batch int(p B) would hold none at B = 1.
    """
    share = Fraction(data_proportion).limit_denominator(1_000_000)
    numerator, denominator = share.numerator, share.denominator
    g = np.arange(start, start + count + 1, dtype=np.int64)
    # Reduced modulo the denominator first, so that the product cannot overflow on a long run.
    below = (g // denominator) * numerator + (g % denominator) * numerator // denominator
    return np.diff(below) > 0


def draw_times(
    normal_B2: NDArray[np.float64],
    uniform_B3: NDArray[np.float64],
    is_fm_B: NDArray[np.bool_],
    settings: TimeSettings,
) -> TimePairs:
    """Turn raw draws into times: a sorted logit-normal pair, or a sorted uniform pair for a slice of the MF samples.

    Args:
        normal_B2: standard normal draws.
        uniform_B3: uniform draws in [0, 1).
        is_fm_B: samples that get r = t.
        settings: mu and sigma of either time, uniform_fraction and t_min.

    The pair is sorted before r = t is imposed, so that FM samples see the marginal of t (as MeanFlow's code does).
    """
    mean_2, deviation_2 = np.array(settings.logits)
    pair_B2 = 1 / (1 + np.exp(-(mean_2 + deviation_2 * normal_B2)))
    is_uniform_B = (uniform_B3[:, 0] < settings.uniform_fraction) & ~is_fm_B
    pair_B2 = np.where(is_uniform_B[:, None], uniform_B3[:, 1:], pair_B2)
    t_B = np.maximum(pair_B2.max(axis=1), settings.t_min)
    r_B = np.where(is_fm_B, t_B, np.minimum(pair_B2.min(axis=1), t_B))
    return TimePairs(r_B, t_B, is_fm_B)


def sample_times(count: int, settings: TimeSettings, generator: np.random.Generator, *, start: int = 0) -> TimePairs:
    """Draw the times of a batch.

    Args:
        count: samples in the batch, B.
        settings: of the distribution.
        generator: source of the draws.
        start: samples drawn before this batch, which decide how many of it are FM samples (law TIME-002).

    >>> pairs = sample_times(8, TimeSettings(data_proportion=0.75), np.random.default_rng(0))
    >>> int(pairs.is_fm_B.sum()), bool((pairs.r_B <= pairs.t_B).all())
    (6, True)
    """
    normal_B2 = generator.standard_normal((count, NORMALS_PER_SAMPLE))
    uniform_B3 = generator.random((count, UNIFORMS_PER_SAMPLE))
    return draw_times(normal_B2, uniform_B3, fm_mask(start, count, settings.data_proportion), settings)
