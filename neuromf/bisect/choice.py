"""Which subset of the deltas is trained next: the one whose answer is expected to carry most information."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from neuromf.bisect.hypotheses import Floats, Hypotheses, Integers
from neuromf.bisect.posterior import Evidence, Rates, posterior
from neuromf.bisect.question import Question

FANTASIES = 16
"""How many of the likeliest outcomes of the running probes are considered."""
TIE = 1e-9
"""Two subsets whose information differs by less, in bits, are equal; the smaller number is taken, so that every machine
chooses the same."""
NOTHING = 1e-6
"""Bits below which no probe is worth a training."""


@dataclass(frozen=True)
class Fantasy:
    """One way in which the running probes may end (a fantasy, in the term of Bayesian optimisation).

    Attributes:
        weight: its probability.
        beliefs: the posterior after these answers, shape (H,).
    """

    weight: float
    beliefs: Floats


def entropy(share: Floats | float) -> Floats:
    """Bits of a coin that falls on one side with probability `share`."""
    p = np.clip(share, 1e-300, 1 - 1e-16)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)), dtype=np.float64)


def information(mass: Floats, rates: Rates) -> Floats:
    """Mutual information, in bits, of the hypothesis and the answer.

    With two error rates it depends on a subset only through the probability `mass` that it contains a cause:
    I = H(answer) - mass H(FN) - (1 - mass) H(FP).
    """
    broken = mass * (1 - rates.false_negative) + (1 - mass) * rates.false_positive
    noise = mass * entropy(rates.false_negative) + (1 - mass) * entropy(rates.false_positive)
    return entropy(broken) - noise


def capacity(rates: Rates) -> float:
    """The most information that one answer can carry, in bits."""
    return float(information(np.linspace(0.0, 1.0, 1001), rates).max())


def fantasies(hypotheses: Hypotheses, beliefs: Floats, pending: Sequence[int], rates: Rates) -> list[Fantasy]:
    """How the running probes of the subsets `pending` may end, likeliest first."""
    found = [Fantasy(1.0, beliefs)]
    for subset in pending:
        broken = np.where(hypotheses.hit(subset), 1 - rates.false_negative, rates.false_positive)
        found = [branch for fantasy in found for branch in _branches(fantasy, broken)]
        found = sorted(found, key=lambda f: -f.weight)[:FANTASIES]
    return found


def _branches(fantasy: Fantasy, broken: Floats) -> list[Fantasy]:
    """The fantasy continued with either answer."""
    result = []
    for likelihood in (broken, 1 - broken):
        joint = fantasy.beliefs * likelihood
        share = float(joint.sum())
        result.append(Fantasy(fantasy.weight * share, joint / share))
    return result


def choose(
    hypotheses: Hypotheses,
    beliefs: Floats,
    rates: Rates,
    *,
    universe: int,
    pending: Sequence[int] = (),
    testable: Callable[[int], bool],
) -> int | None:
    """The testable subset of `universe` with the largest mutual information; None when no subset has any.

    All 2^N subsets are considered. With probes running, the information is conditional on their answers, so that
    parallel workers do not test the same thing.
    """
    score = np.zeros(1 << hypotheses.deltas)
    for fantasy in fantasies(hypotheses, beliefs, pending, rates):
        score += fantasy.weight * information(hypotheses.hit_mass(fantasy.beliefs), rates)
    score[(np.arange(len(score)) & ~universe) != 0] = -1.0
    looked = 0
    while looked < len(score):
        looked = min(max(4 * looked, 512), len(score))
        for subset in _best(score, looked):
            if not score[subset] > NOTHING:
                return None
            if testable(int(subset)):
                return int(subset)
    return None


def _best(score: Floats, count: int) -> Integers:
    """At least the `count` best subsets, best first, ties by number."""
    least = np.partition(score, len(score) - count)[len(score) - count]
    found = np.flatnonzero(score >= least - TIE)
    order = np.argsort(-np.round(score[found] / TIE), kind="stable")
    return np.asarray(found[order], dtype=np.int64)


@dataclass(frozen=True)
class Best:
    """The likeliest hypothesis.

    Attributes:
        causes: what it says broke the run: nothing, one subset or two.
        probability: its posterior.
    """

    causes: tuple[int, ...]
    probability: float


class Search:
    """A posterior over the causes within one universe.

    Args:
        question: weights, rates and what can be trained.
        hypotheses: those on `universe`.
        universe: deltas that may take part.
        evidence: all finished probes; those within the universe are used, whatever they were made for.
    """

    def __init__(self, question: Question, hypotheses: Hypotheses, universe: int, evidence: Evidence) -> None:
        self.question, self.hypotheses, self.universe = question, hypotheses, universe
        self._untestable = evidence.untestable
        self.beliefs: Floats = posterior(hypotheses, evidence.decided(universe), question.rates.believed)

    def testable(self, subset: int) -> bool:
        """Whether a subset can be trained, as far as is known by now."""
        return subset not in self._untestable and self.question.testable(subset)

    def best(self) -> Best:
        """The likeliest hypothesis; of equals the smallest."""
        number = int(self.beliefs.argmax())
        return Best(self.hypotheses.causes(number), float(self.beliefs[number]))

    def leaders(self, count: int) -> list[Best]:
        """The `count` likeliest hypotheses, likeliest first."""
        order = (-self.beliefs).argsort(kind="stable")[:count]
        return [Best(self.hypotheses.causes(int(i)), float(self.beliefs[i])) for i in order]

    def next_subset(self, pending: Sequence[int]) -> int | None:
        """What to train next, given the subsets in training; None when no training would carry information."""
        rates, inside = self.question.rates.believed, [s for s in pending if not s & ~self.universe]
        return choose(
            self.hypotheses, self.beliefs, rates, universe=self.universe, pending=inside, testable=self.testable
        )

    def probes_left(self) -> int:
        """About how many more answers the search needs: the missing bits over the most that one answer can carry."""
        believed = self.beliefs[self.beliefs > 0]
        missing = float(-(believed * np.log2(believed)).sum()) - float(entropy(self.question.stop))
        return max(0, round(missing / capacity(self.question.rates.believed)))
