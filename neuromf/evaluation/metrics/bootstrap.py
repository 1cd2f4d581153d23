"""How far a number would move with other subjects and other noise: the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
RESAMPLES = 200
"""Of which the 5th and the 195th bound the interval."""
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number and where it would lie with other subjects and other noise.

    Attributes:
        value: of the scans and samples at hand.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


Units = Sequence[Index]
"""For each unit (a subject, a noise) the rows of an array that are its own."""


def single_units(count: int) -> list[Index]:
    """A unit a row."""
    return [np.array([row]) for row in range(count)]


def all_rows(units: Units) -> Index:
    """Every row of every unit, in order."""
    return np.concatenate([np.asarray(unit, dtype=np.int64) for unit in units])


def bootstrap(
    statistic: Callable[..., float],
    *populations: Units,
    seed: int = 0,
    resamples: int | None = None,
    least: float = -math.inf,
    most: float = math.inf,
) -> Interval:
    """A statistic with the interval of its resamples, whole units drawn anew from each population.

    A resample holds a unit several times, and nothing of a third of them: distances between two samples grow by that,
    whatever they are. The interval is therefore the resamples' spread about their own median, laid around the value.

    Efron and Tibshirani, An introduction to the bootstrap, 1993, chapters 8 and 10.

    Args:
        statistic: of an index array for each population, NaN where it has no value.
        populations: the units of each.
        seed: of the draws.
        resamples: their number; RESAMPLES when None.
        least: smallest value there is; the interval ends there.
        most: largest.
    """
    (found,) = bootstrap_together(
        lambda *rows: {"": statistic(*rows)}, *populations, seed=seed, resamples=resamples, bounds={"": (least, most)}
    ).values()
    return found


def bootstrap_together(
    statistics: Callable[..., Mapping[str, float]],
    *populations: Units,
    seed: int = 0,
    resamples: int | None = None,
    bounds: Mapping[str, tuple[float, float]],
) -> dict[str, Interval]:
    """Several numbers that are found together, each with the interval that `bootstrap` gives it, of the same resamples.

    Args:
        statistics: the numbers by name, of an index array for each population.
        populations: the units of each.
        seed: of the draws.
        resamples: their number; RESAMPLES when None.
        bounds: for each number the smallest and the largest value there is.
    """
    generator = np.random.default_rng(seed)
    value = statistics(*(all_rows(units) for units in populations))
    drawn = [statistics(*(_resample(units, generator) for units in populations)) for _ in range(resamples or RESAMPLES)]
    return {
        name: _interval(float(value[name]), [float(one[name]) for one in drawn], *ends) for name, ends in bounds.items()
    }


def _interval(value: float, drawn: list[float], least: float, most: float) -> Interval:
    """The spread of resamples about their median, laid around the value."""
    if not np.isfinite([value, *drawn]).all():
        return Interval(value, float("nan"), float("nan"))
    low, middle, high = np.quantile(drawn, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    ends = np.clip([value + (low - middle), value + (high - middle)], least, most)
    return Interval(value, float(ends[0]), float(ends[1]))


def _resample(units: Units, generator: np.random.Generator) -> Index:
    return all_rows([units[place] for place in generator.integers(len(units), size=len(units))])
