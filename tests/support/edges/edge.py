"""What an edge is. The bounds stand here as numbers of their own, so that a bound that moves in the code is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from neuromf.config import Config
from neuromf.monitor.checks.runtime_checks import LawReading
from tests.support.tiny_run import make_tiny_config

LawsBroken = Callable[[Any], set[str]]
"""From a value to the laws that speak where everything else is healthy."""


@dataclass(frozen=True)
class Edge:
    """A reading at its bound.

    Attributes:
        law: id.
        what: which reading of it.
        laws_broken: the laws that speak at a value.
        inside: values at which none speaks.
        outside: values at which the law speaks.
        beside: laws that must speak there too, for they read the same number.
    """

    law: str
    what: str
    laws_broken: LawsBroken
    inside: tuple[Any, ...]
    outside: tuple[Any, ...]
    beside: frozenset[str] = frozenset()


def upper(law: str, what: str, laws_broken: LawsBroken, bound: float) -> Edge:
    """A number that may be at most `bound`; NaN is none that may be."""
    return Edge(law, what, laws_broken, (0.9 * bound, bound), (1.1 * bound, math.nan))


def either_side(law: str, what: str, laws_broken: LawsBroken, bound: float) -> Edge:
    """A deviation that may be at most `bound` up or down."""
    return Edge(law, what, laws_broken, (0.9 * bound, -0.9 * bound), (1.1 * bound, -1.1 * bound))


def none_of(law: str, what: str, laws_broken: LawsBroken) -> Edge:
    """A number of faults, of which none is borne."""
    return Edge(law, what, laws_broken, (0,), (1, 88))


def broken(readings: Iterable[LawReading]) -> set[str]:
    """Laws whose reading does not hold."""
    return {reading.law_id for reading in readings if not reading.finding.passed}


def plain(*overrides: str) -> Config:
    """A small run that predicts u, whose norm_eps is not 1."""
    return make_tiny_config("meanflow.prediction=u", "meanflow.norm_eps=0.5", *overrides)
