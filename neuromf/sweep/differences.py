"""Arms against the base and against the best, by differences of runs with the same seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedDifference:
    """Mean over the seeds of the difference of two arms, with Student's interval for paired samples.

    Attributes:
        mean: first minus second; infinite where a run of the first diverged.
        low: lower end of the interval, NaN where there is none: a single pair, or a run that diverged.
        high: upper end.
        pairs: seeds that both have.
    """

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def is_apart(self) -> bool | None:
        """Whether the interval leaves out zero; None where there is no interval."""
        if math.isnan(self.low) or math.isnan(self.high):
            return None
        return not self.low <= 0 <= self.high


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> PairedDifference:
    """Compare two arms by the seeds that both have.

    Args:
        first: the metric by seed.
        second: the other arm's.
    """
    seeds = [seed for seed in first if seed in second]
    found = [first[seed] - second[seed] for seed in seeds]
    mean = statistics.fmean(found) if found else math.nan
    if len(found) < 2 or not all(map(math.isfinite, found)):
        return PairedDifference(mean, math.nan, math.nan, len(found))

    from scipy import stats  # half a second

    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(found) - 1)) * statistics.stdev(found) / math.sqrt(len(found))
    return PairedDifference(mean, mean - half, mean + half, len(found))
