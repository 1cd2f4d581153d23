"""Laws that `neuromf evaluate` asks, at their bounds, by the numbers that it gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neuromf_spec.laws import evaluation as bounds

from neuromf.evaluation.result import Judged
from neuromf.evaluation.verdicts import exactly, judge
from tests.support.edges.edge import Edge, LawsBroken, upper

GOOD_HIGH = {"nearness", "diversity", "spread"}


def evaluation_edges() -> Iterator[Edge]:
    """Each number that a law on samples reads, with the others as those of good samples."""
    yield upper("EVAL-001", "the largest value", lambda x: broken("EVAL-001", not_finite=0, largest=x, real=1),
                bounds.WIDEST)  # fmt: skip
    yield Edge("EVAL-001", "values that are not finite",
               lambda x: broken("EVAL-001", not_finite=x, largest=1, real=1), (0,), (1, 1000))  # fmt: skip
    yield upper("EVAL-002", "one step over many", lambda x: broken("EVAL-002", ratio=x), bounds.ONE_STEP)
    yield lower("EVAL-003", "diversity", lambda x: broken("EVAL-003", diversity=x, spread=1), bounds.LEAST_DIVERSITY)
    yield lower("EVAL-003", "spread", lambda x: broken("EVAL-003", diversity=1, spread=x), bounds.LEAST_SPREAD)
    yield lower("EVAL-004", "nearness", lambda x: broken("EVAL-004", nearness=x, copies=0), bounds.LEAST_NEARNESS)
    yield upper("EVAL-004", "copies", lambda x: broken("EVAL-004", nearness=1, copies=x), bounds.MOST_COPIES)


def lower(law: str, what: str, laws_broken: LawsBroken, bound: float) -> Edge:
    """A number that must be at least `bound`; NaN is none that is."""
    return Edge(law, what, laws_broken, (1.1 * bound, bound), (0.9 * bound, math.nan))


def broken(law_id: str, **numbers: float) -> set[str]:
    """The law, where it is said to be broken by numbers that are known exactly."""
    known = {name: exactly(float(value)) for name, value in numbers.items()}
    found = judge(law_id, known, 1, good_high=GOOD_HIGH & set(known), subjects=bounds.LEAST_SUBJECTS)
    return {law_id} if found.judged is not Judged.HOLDS else set()
