"""The search in one universe of deltas: hypotheses, their posterior, the best of them, the next probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuromf.bisect.choice import capacity, choose, entropy
from neuromf.bisect.evidence import Evidence
from neuromf.bisect.hypotheses import Floats, Hypotheses
from neuromf.bisect.posterior import posterior
from neuromf.bisect.question import Question


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
        """What to train next, given the subsets in training; None when nothing would tell anything."""
        rates, inside = self.question.rates.believed, [s for s in pending if not s & ~self.universe]
        return choose(
            self.hypotheses, self.beliefs, rates, universe=self.universe, pending=inside, testable=self.testable
        )

    def probes_left(self) -> int:
        """About how many more answers the search needs: missing bits over the most that an answer can tell."""
        believed = self.beliefs[self.beliefs > 0]
        missing = float(-(believed * np.log2(believed)).sum()) - float(entropy(self.question.stop))
        return max(0, round(missing / capacity(self.question.rates.believed)))
