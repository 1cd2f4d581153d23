"""The answers of finished probes, and the probability of each hypothesis after them (Bayes' theorem)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from neuromf.bisect.hypotheses import Floats, Hypotheses
from neuromf.bisect.oracle import Observation, ProbePurpose, ProbeVerdict
from neuromf.errors import InputError

MAX_UNDECIDED = 3
"""A subset with this many undecided answers is given up as untestable, unless at least as many were decided."""
FRESH = frozenset({ProbePurpose.VERIFY, ProbePurpose.CALIBRATE})
"""Purposes of probes that may prove a candidate. Those of the search may not: they were chosen to find it."""


class Evidence:
    """Counts of answers by subset.

    Args:
        observations: finished probes.
    """

    def __init__(self, observations: Sequence[Observation]) -> None:
        self.observations = tuple(observations)
        self._counts: Counter[tuple[int, ProbePurpose, ProbeVerdict]] = Counter(
            (o.probe.subset, o.probe.purpose, o.outcome.verdict) for o in self.observations
        )
        self.untestable = frozenset(s for s in {o.probe.subset for o in self.observations} if self._given_up(s))
        """Subsets on which the oracle has no answer; never counted as healthy."""

    def count(
        self, subset: int, verdict: ProbeVerdict, purposes: Collection[ProbePurpose] = tuple(ProbePurpose)
    ) -> int:
        """Probes of `subset` for one of `purposes` that ended with `verdict`."""
        return sum(self._counts[subset, purpose, verdict] for purpose in purposes)

    def decided(self, universe: int) -> list[tuple[int, int, int]]:
        """(subset, broken answers, healthy answers) of every subset of `universe` with either, by subset."""
        subsets = sorted({o.probe.subset for o in self.observations if not o.probe.subset & ~universe})
        rows = [(s, self.count(s, ProbeVerdict.BROKEN), self.count(s, ProbeVerdict.HEALTHY)) for s in subsets]
        return [row for row in rows if row[1] + row[2]]

    def _given_up(self, subset: int) -> bool:
        undecided = self.count(subset, ProbeVerdict.UNDECIDED)
        decided = self.count(subset, ProbeVerdict.BROKEN) + self.count(subset, ProbeVerdict.HEALTHY)
        return self.count(subset, ProbeVerdict.UNTESTABLE) > 0 or (undecided >= MAX_UNDECIDED and undecided > decided)


FLOOR = 0.01
"""Smallest error rate that is assumed: with a rate of zero a single wrong answer could never be corrected."""


@dataclass(frozen=True)
class Rates:
    """How often the oracle errs.

    Attributes:
        false_negative: share of runs with a cause that are judged healthy, FN.
        false_positive: share of runs without one that are judged broken, FP.
    """

    false_negative: float = 0.10
    false_positive: float = 0.05

    def __post_init__(self) -> None:
        rates = (self.false_negative, self.false_positive)
        if not (all(0 <= rate < 1 for rate in rates) and sum(rates) < 1):
            problem = f"error rates {self.false_negative:g} and {self.false_positive:g} make a broken run no likelier"
            raise InputError(problem, remedy="use an oracle whose two rates add up to less than 1", key="rates")

    @property
    def believed(self) -> Rates:
        """The same, none below the floor."""
        return Rates(max(self.false_negative, FLOOR), max(self.false_positive, FLOOR))

    @property
    def broken_evidence(self) -> float:
        """Natural log of the odds that one broken answer adds to "contains a cause"."""
        return math.log((1 - self.false_negative) / self.false_positive)

    @property
    def healthy_evidence(self) -> float:
        """Natural log of the odds that one healthy answer adds to "contains none"."""
        return math.log((1 - self.false_positive) / self.false_negative)


def posterior(hypotheses: Hypotheses, decided: Iterable[tuple[int, int, int]], rates: Rates) -> Floats:
    """Probability of each hypothesis after the decided answers, shape (H,), adding up to one.

    Args:
        hypotheses: H of them.
        decided: (subset, broken answers, healthy answers); undecided and untestable ones carry no information.
        rates: error rates, all positive.
    """
    log = np.log(hypotheses.prior)
    for subset, broken, healthy in decided:
        hit = broken * math.log(1 - rates.false_negative) + healthy * math.log(rates.false_negative)
        missed = broken * math.log(rates.false_positive) + healthy * math.log(1 - rates.false_positive)
        log += np.where(hypotheses.hit(subset), hit, missed)
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
