"""The noisy oracle's likelihood, and what the answers so far make of the hypotheses.

Noise model (asymmetric, as in FACF): a subset that contains a cause breaks with probability 1 - FN, one that contains
none breaks with probability FP, independently in every probe, because every probe has a fresh seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from neuromf.bisect.hypotheses import Floats, Hypotheses
from neuromf.errors import InputError

FLOOR = 0.01
"""Least error rate that is believed: a rate of zero would make one freak answer final."""


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
        decided: (subset, broken answers, healthy answers); undecided and untestable ones say nothing.
        rates: error rates, all positive.
    """
    log = np.log(hypotheses.prior)
    for subset, broken, healthy in decided:
        hit = broken * math.log(1 - rates.false_negative) + healthy * math.log(rates.false_negative)
        missed = broken * math.log(rates.false_positive) + healthy * math.log(1 - rates.false_positive)
        log += np.where(hypotheses.hit(subset), hit, missed)
    weights = np.exp(log - log.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
