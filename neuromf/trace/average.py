"""Mean and median of numbers as a trace holds them, which may be any."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection


def mean(values: Collection[float]) -> float:
    """Mean of at least one number, correctly rounded sum over count; NaN where infinities of both signs meet."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum of some 1e308 is no float, though their mean is
        return float(statistics.mean(values))
    except ValueError:
        return math.nan


def median(values: Collection[float]) -> float:
    """Median of at least one number; NaN as soon as one of them is, which sorting would hide somewhere."""
    return math.nan if any(math.isnan(value) for value in values) else statistics.median(values)
