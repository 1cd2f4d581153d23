"""What the bisect does next: the next probe (one training to start), a pause, or the answer.

The decision depends on the finished and the running probes alone. A bisect that was killed and resumed therefore makes
the same probes as one that was never killed.

A *universe* is the set of deltas (changed keys) among which a cause is looked for at present: all deltas at first, and
later all but those taken back for the causes that are known. A *cause* is a minimal set of deltas that breaks the good
run. Within a universe the planner searches, verifies the likeliest candidate by fresh trainings, and falls back to
delta debugging (ddmin) where that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from neuromf.bisect.choice import Best, Search
from neuromf.bisect.claims import REPEATS, ClaimReading, ClaimStatus, SubsetClaim, cause_claims, read_claim
from neuromf.bisect.hypotheses import union
from neuromf.bisect.journal import Ledger
from neuromf.bisect.oracle import Probe, ProbePurpose
from neuromf.bisect.posterior import FRESH, Evidence
from neuromf.bisect.question import BisectEnding, Conclusion, Question, Wait
from neuromf.bisect.reductions import reduce_breaking

LIKELY = 0.5
"""A candidate whose posterior falls below this while it is verified is given up, and the search goes on."""
LEAST = 0.1
"""A candidate with at least this posterior is verified when the search has spent its probes. If it is wrong, about two
trainings refute it, and their answers also point to the right one; ddmin would cost ten times as much."""
REDUCTION_ERROR = 0.02
"""Accepted probability that one of ddmin's about 20 answers is wrong. With error rates of 10 % and 5 % two trainings
that agree reach it."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A universe is done: its verified minimal causes, or none because it is verified not to break the run."""

    causes: tuple[int, ...]
    readings: tuple[ClaimReading, ...]
    posterior: float


Ask = Probe | Wait
Step = Found | Ask | Conclusion


class Planner:
    """Decides, for one state of the bisect, which probe comes next.

    Args:
        question: weights of the deltas, error rates of the oracle, budgets.
        evidence: answers of the finished probes.
        pending: running probes.
        search_in: gives the posterior over the causes within a universe, after this evidence.
    """

    def __init__(
        self, question: Question, evidence: Evidence, pending: Sequence[Probe], search_in: Callable[[int], Search]
    ) -> None:
        self.question, self.evidence, self.pending = question, evidence, tuple(pending)
        self.ledger = Ledger((*(o.probe for o in evidence.observations), *self.pending), question.seed)
        self.search_in = search_in
        self.rates = question.rates.believed

    def testable(self, subset: int) -> bool:
        """Whether a subset can be trained, as far as is known by now."""
        return subset not in self.evidence.untestable and self.question.testable(subset)

    def find_causes(self, universe: int) -> Step:
        """Find the causes within `universe`: search, verify the likeliest candidate, fall back to ddmin if both fail.

        Returns:
            The causes when they are verified; else the next probe, a pause, or the answer that nothing was proved.
        """
        search = self.search_in(universe)
        best = search.best()
        sure, spent = best.probability >= self.question.stop, self.ledger.searched(universe)
        exhausted = spent >= self.question.search_budget
        begun = best.probability >= LIKELY and self.ledger.verified(universe, union(best.causes))
        if sure or begun or (exhausted and best.probability >= LEAST):
            step = self._verify(best.causes, universe, best.probability, insist=sure)
            if step is not None:
                return step
        if not exhausted:
            subset = search.next_subset([probe.subset for probe in self.pending])
            if subset is not None:
                return self.ledger.probe(subset, ProbePurpose.SEARCH, universe)
        if any(probe.purpose is ProbePurpose.SEARCH for probe in self.pending):
            return Wait.WAIT
        return self._fall_back(universe, best)

    def test_completeness(self, universe: int) -> tuple[ClaimReading, Ask | None]:
        """Test that the known causes are all there are: the bad run must be healthy once they are taken back.

        Args:
            universe: the bad run's deltas without at least one delta of each known cause (a hitting set is taken back).

        Returns:
            What all answers so far say of that claim, and the probe or pause that is still needed to settle it.
        """
        claim = SubsetClaim(
            subset=universe, breaks=False, says="the bad run without one delta of each cause is healthy"
        )
        error = 1 - self.question.stop
        reading = self._read(claim, error, tuple(ProbePurpose))
        return reading, self._ask([reading], ProbePurpose.VERIFY, universe)

    def _verify(self, causes: tuple[int, ...], universe: int, posterior: float, insist: bool) -> Found | Ask | None:
        """Test that each of `causes` is one and is minimal; None when that is refuted.

        Args:
            causes: the candidate; none for the claim that the universe does not break.
            universe: where it was found.
            posterior: its probability.
            insist: whether the posterior is high although it includes answers against the candidate. Those may then be
                errors of the oracle, and the same trainings are repeated with other seeds before it is given up.
        """
        claims = [claim for cause in causes for claim in cause_claims(cause)]
        claims = claims or [SubsetClaim(subset=universe, breaks=False, says="the bad run does not break")]
        error = (1 - self.question.stop) / len(claims)
        readings = [self._read(claim, error, FRESH) for claim in claims]
        refuted = [r for r in readings if r.status is ClaimStatus.REFUTED]
        if any(not insist or r.broken + r.healthy >= REPEATS for r in refuted):
            return None
        step = self._ask(readings, ProbePurpose.VERIFY, universe, union(causes), again=True)
        return step or Found(causes=causes, readings=tuple(readings), posterior=posterior)

    def _fall_back(self, universe: int, best: Best) -> Step:
        """Delta debugging instead of the search; its result is verified like any other candidate."""
        reduced = reduce_breaking(universe, self._trusted)
        if reduced.asked is not None:
            reading = self._read_trusted(reduced.asked)
            return self._ask([reading], ProbePurpose.FALLBACK, universe) or Wait.WAIT
        verified = self._verify(reduced.causes, universe, best.probability, insist=False)
        return verified or self._unproven(reduced.causes or best.causes, best.probability)

    def _read_trusted(self, subset: int) -> ClaimReading:
        claim = SubsetClaim(subset=subset, breaks=True, says="breaks")
        return self._read(claim, REDUCTION_ERROR, tuple(ProbePurpose))

    def _trusted(self, subset: int) -> bool | None:
        """Whether a subset breaks the run; None while its answers do not settle that, False if it cannot be trained."""
        status = self._read_trusted(subset).status
        return None if status is ClaimStatus.OPEN else status is ClaimStatus.CONFIRMED

    def _unproven(self, guess: tuple[int, ...], posterior: float) -> Conclusion:
        reason = "the search did not settle and what delta debugging ended with did not pass verification"
        return Conclusion(ending=BisectEnding.UNPROVEN, guess=guess, posterior=posterior, fallback=True, reason=reason)

    def _read(self, claim: SubsetClaim, error: float, purposes: Collection[ProbePurpose]) -> ClaimReading:
        return read_claim(claim, self.evidence, self.rates, error, self.testable, purposes)

    def _ask(
        self,
        readings: Sequence[ClaimReading],
        purpose: ProbePurpose,
        universe: int,
        candidate: int = 0,
        *,
        again: bool = False,
    ) -> Ask | None:
        """The next probe that one of the claims needs, a pause while enough of them run, or None when all are settled.

        With `again`, a refuted claim is trained once more.
        """
        lacking = {ClaimStatus.OPEN, ClaimStatus.REFUTED} if again else {ClaimStatus.OPEN}
        unsettled = [reading for reading in readings if reading.status in lacking]
        for reading in unsettled:
            running = sum(probe.subset == reading.claim.subset for probe in self.pending)
            if running < max(reading.missing, 1):
                return self.ledger.probe(reading.claim.subset, purpose, universe, candidate)
        return Wait.WAIT if unsettled else None
