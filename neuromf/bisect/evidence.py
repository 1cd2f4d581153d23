"""What the finished probes say, whatever the order in which they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from neuromf.bisect.oracle import Observation, Purpose, Verdict

TIRED = 3
"""Undecided answers after which a subset is given up, unless as many others were decided."""
FRESH = frozenset({Purpose.VERIFY, Purpose.CALIBRATE})
"""Probes that were not chosen to find the candidate, and so may prove it."""


class Evidence:
    """Counts of answers by subset.

    Args:
        observations: finished probes.
    """

    def __init__(self, observations: Sequence[Observation]) -> None:
        self.observations = tuple(observations)
        self._counts: Counter[tuple[int, Purpose, Verdict]] = Counter(
            (o.probe.subset, o.probe.purpose, o.outcome.verdict) for o in self.observations
        )
        self.untestable = frozenset(s for s in {o.probe.subset for o in self.observations} if self._given_up(s))
        """Subsets on which the oracle has no answer; never counted as healthy."""

    def count(self, subset: int, verdict: Verdict, purposes: Collection[Purpose] = tuple(Purpose)) -> int:
        """Probes of `subset` for one of `purposes` that ended with `verdict`."""
        return sum(self._counts[subset, purpose, verdict] for purpose in purposes)

    def decided(self, universe: int) -> list[tuple[int, int, int]]:
        """(subset, broken answers, healthy answers) of every subset of `universe` with either, by subset."""
        subsets = sorted({o.probe.subset for o in self.observations if not o.probe.subset & ~universe})
        rows = [(s, self.count(s, Verdict.BROKEN), self.count(s, Verdict.HEALTHY)) for s in subsets]
        return [row for row in rows if row[1] + row[2]]

    def _given_up(self, subset: int) -> bool:
        undecided = self.count(subset, Verdict.UNDECIDED)
        decided = self.count(subset, Verdict.BROKEN) + self.count(subset, Verdict.HEALTHY)
        return self.count(subset, Verdict.UNTESTABLE) > 0 or (undecided >= TIRED and undecided > decided)
