"""One decision of the bisect: from what has finished and what is running to the next probe, or the answer.

A pure function of both, so that a bisect that was killed goes on with the probe it would have made.
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
"""Posterior below which a candidate that is being verified is left, and the search goes on."""
LEAST = 0.1
"""Posterior from which a candidate is verified when the search has spent its probes: a wrong one is refuted by some
two trainings, whose answers then tell which is right, and ddmin costs ten times that."""
REDUCTION_ERROR = 0.02
"""Accepted error of one answer within ddmin, which asks some 20 of them: two answers that agree, at 10 % and 5 %."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one universe holds: verified minimal causes, none when it is verified not to break."""

    causes: tuple[int, ...]
    readings: tuple[ClaimReading, ...]
    posterior: float


Ask = Probe | Wait
Step = Found | Ask | Conclusion


class Turn:
    """One decision.

    Args:
        question: what is asked.
        evidence: finished probes.
        pending: running probes.
        search_in: the search within a universe, after this evidence.
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

    def pursue(self, universe: int) -> Step:
        """Find the causes within `universe`: search, verify what it finds, and leave it to ddmin if that fails."""
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

    def heals(self, universe: int) -> tuple[ClaimReading, Ask | None]:
        """Whether the bad run without a hitting set of the known causes is healthy, from every answer; or the probe."""
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
            insist: whether the posterior still holds with the refuting answers in it; they are then repeated.
        """
        claims = [claim for cause in causes for claim in cause_claims(cause)]
        claims = claims or [SubsetClaim(subset=universe, breaks=False, says="the bad run does not break")]
        error = (1 - self.question.stop) / len(claims)
        readings = [self._read(claim, error, FRESH) for claim in claims]
        refuted = [r for r in readings if r.standing is ClaimStatus.REFUTED]
        if any(not insist or r.broken + r.healthy >= REPEATS for r in refuted):
            return None
        step = self._ask(readings, ProbePurpose.VERIFY, universe, union(causes), again=True)
        return step or Found(causes=causes, readings=tuple(readings), posterior=posterior)

    def _fall_back(self, universe: int, best: Best) -> Step:
        """Leave it to ddmin; what it ends with is verified like any candidate."""
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
        """Whether a subset breaks, None while its answers do not say; one that cannot be trained breaks nothing."""
        standing = self._read_trusted(subset).standing
        return None if standing is ClaimStatus.OPEN else standing is ClaimStatus.CONFIRMED

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
        """The next probe that a reading lacks, a pause while enough of them run, or None when all are settled.

        With `again`, what is refuted is asked once more.
        """
        lacking = {ClaimStatus.OPEN, ClaimStatus.REFUTED} if again else {ClaimStatus.OPEN}
        unsettled = [reading for reading in readings if reading.standing in lacking]
        for reading in unsettled:
            running = sum(probe.subset == reading.claim.subset for probe in self.pending)
            if running < max(reading.missing, 1):
                return self.ledger.probe(reading.claim.subset, purpose, universe, candidate)
        return Wait.WAIT if unsettled else None
