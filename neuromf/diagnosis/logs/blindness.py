"""Whether the loss that was watched could have shown what happened: constant, saturated, rounded, or too slow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from neuromf_spec.laws.weight_regime import LEAST_SENSITIVITY
from numpy.typing import NDArray

from neuromf.logs.log import LogColumn
from neuromf.readable import rounded

MOST_TERMS = 4
"""Weighted terms that a loss adds up; each reads L / (L + c), which is 1 for every large L."""
SATURATION = 1e-3
"""Distance from a whole number of terms, over it, within which a weighted loss is saturated; L/c is then 1,000."""
FEWEST = 5
"""Points that show that a loss stands still."""
FEW_VALUES = 0.05
"""Share of distinct values among the points from which they were rounded."""
MOST_DECIMALS = 6
TOLD = 2.0
"""Factor by which the raw loss must have moved for it to be asked whether the watched one moved with it."""


@dataclass(frozen=True)
class Blindness:
    """What a watched loss could not show.

    Attributes:
        kind: `constant`, `saturated`, `rounded` or `slow`.
        says: what it read, and why.
        law: id of the law about it.
    """

    kind: str
    says: str
    law: str = "WGT-002"


def stands_still(values: NDArray[np.float64]) -> bool:
    """Whether finite numbers are all the same, or within `SATURATION` of a whole number of terms."""
    finite = values[np.isfinite(values)]
    return len(finite) >= FEWEST and (bool((finite == finite[0]).all()) or terms_of(finite) is not None)


def moves(values: NDArray[np.float64]) -> bool:
    """Whether numbers differ by more than a fifth, those that are not finite left out."""
    finite = values[np.isfinite(values)]
    return len(finite) > 1 and float(finite.max() - finite.min()) > 0.2 * float(np.abs(finite).max())


def terms_of(finite: NDArray[np.float64]) -> int | None:
    """How many saturated terms a loss would be the sum of, by what it reads; None where it reads anything else."""
    terms = round(float(np.median(finite))) if abs(float(np.median(finite))) < 100 else 0
    if not 1 <= terms <= MOST_TERMS:
        return None
    near = np.abs(finite - terms) <= SATURATION * terms
    # Most of the points and not all: a loss that has just begun, or a rare small one, may lie below.
    return terms if float(near.mean()) >= 0.9 and float(finite.max()) <= terms * (1 + SATURATION) else None


def blindness(name: str, shown: LogColumn, raw: LogColumn | None) -> Blindness | None:
    """What the watched loss could not show; None where it could.

    Args:
        name: of the watched loss.
        shown: its points.
        raw: the raw loss, None where the log has no other than the watched one.
    """
    finite = shown.values[np.isfinite(shown.values)]
    if len(finite) < FEWEST:
        return None
    terms = terms_of(finite)
    if (finite == finite[0]).all():
        says = f"{name} read {rounded(float(finite[0]), 7)} at all {len(finite)} points"
        return Blindness("constant", says + (_of_terms(terms) if terms else ""))
    if terms:
        says = f"{name} stayed between {float(finite.min()):.6g} and {float(finite.max()):.6g}"
        return Blindness("saturated", says + _of_terms(terms))
    if (decimals := _rounded_to(finite)) is not None:
        count = len(np.unique(finite))
        says = f"{name} was rounded to {decimals} decimals and took {count} values at {len(finite)} points"
        return Blindness("rounded", says, law="OBS-001")
    return None if raw is None else _slow(name, finite, raw)


def _of_terms(terms: int) -> str:
    what = "a weighted term L/(L + c)" if terms == 1 else f"the sum of {terms} weighted terms L/(L + c)"
    return f", which is what {what} reads for every large L, in a healthy run too"


def _rounded_to(finite: NDArray[np.float64]) -> int | None:
    """Decimals that a loss was rounded to, where so few values are left that they hide its course."""
    values = np.unique(finite)
    if len(finite) < 50 or not len(values) <= max(FEW_VALUES * len(finite), 3) or len(values) > 20:
        return None
    for decimals in range(MOST_DECIMALS + 1):
        if np.allclose(values, np.round(values, decimals), rtol=1e-12, atol=0):
            return decimals
    return None


def _slow(name: str, finite: NDArray[np.float64], raw: LogColumn) -> Blindness | None:
    """Whether the watched loss moved by less than a tenth of what the raw one did, as logarithms."""
    other = raw.values[np.isfinite(raw.values)]
    if len(other) < FEWEST or not (other > 0).all() or not (finite > 0).all():
        return None
    moved, shown = (float(np.log(values.max() / values.min())) for values in (other, finite))
    if moved < math.log(TOLD) or not shown < LEAST_SENSITIVITY * moved:
        return None
    says = (
        f"{name} moved {rounded(math.exp(shown), 4)}-fold where the raw loss moved {rounded(math.exp(moved), 4)}-fold"
    )
    return Blindness("slow", says)
