"""One decision of the bisect: from what has finished and what is running to the next probe, or the answer.

A pure function of both, so that a bisect that was killed goes on with the probe it would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tools.bisect.claims import REPEATS, Claim, Reading, Standing, cause_claims, read_claim
from tools.bisect.evidence import FRESH, Evidence
from tools.bisect.oracle import Probe, Purpose
from tools.bisect.question import Conclusion, Ending, Question, Wait
from tools.bisect.reductions import ddmin
from tools.bisect.search import Search
from tools.bisect.subsets import union

LIKELY = 0.5
"""Posterior that a candidate keeps or has while it is verified; below it the search goes on."""
REDUCTION_ERROR = 0.02
"""Accepted error of one answer within ddmin, which asks some 20 of them: two answers that agree, at 10 % and 5 %."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one universe holds: verified minimal causes, none when it is verified not to break."""

    causes: tuple[int, ...]
    readings: tuple[Reading, ...]
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
        self.probes = (*(o.probe for o in evidence.observations), *self.pending)
        self.search_in = search_in
        self.rates = question.rates.believed
        self.fallback = any(probe.purpose is Purpose.FALLBACK for probe in self.probes)

    def testable(self, subset: int) -> bool:
        """Whether a subset can be trained, as far as is known by now."""
        return subset not in self.evidence.untestable and self.question.testable(subset)

    def pursue(self, universe: int) -> Step:
        """Find the causes within `universe`: search, verify what it finds, and leave it to ddmin if that fails."""
        search = self.search_in(universe)
        best = search.best()
        sure, spent = best.probability >= self.question.stop, self._spent(universe)
        exhausted = spent >= self.question.search_budget
        likely = best.probability >= LIKELY and (exhausted or self._begun(universe, union(best.causes)))
        if sure or likely:
            step = self._verify(best.causes, universe, best.probability, insist=sure)
            if step is not None:
                return step
        if not exhausted:
            subset = search.next_subset([probe.subset for probe in self.pending])
            if subset is not None:
                return self._probe(subset, Purpose.SEARCH, universe)
        if any(probe.purpose is Purpose.SEARCH for probe in self.pending):
            return Wait.WAIT
        return self._fall_back(universe, best.probability, best.causes)

    def heals(self, universe: int) -> tuple[Reading, Ask | None]:
        """Whether the bad run without a hitting set of the known causes is healthy, from every answer; or the probe."""
        claim = Claim(subset=universe, breaks=False, says="the bad run without one delta of each cause is healthy")
        error = 1 - self.question.stop
        reading = self._read(claim, error, tuple(Purpose))
        return reading, self._ask([reading], Purpose.VERIFY, universe, 0)

    def _verify(self, causes: tuple[int, ...], universe: int, posterior: float, insist: bool) -> Found | Ask | None:
        """Test that each of `causes` is one and is minimal; None when that is refuted.

        Args:
            causes: the candidate; none for the claim that the universe does not break.
            universe: where it was found.
            posterior: its probability.
            insist: whether the posterior still holds with the refuting answers in it; they are then repeated.
        """
        claims = [claim for cause in causes for claim in cause_claims(cause)]
        claims = claims or [Claim(subset=universe, breaks=False, says="the bad run does not break")]
        error = (1 - self.question.stop) / len(claims)
        readings = [self._read(claim, error, FRESH) for claim in claims]
        refuted = [r for r in readings if r.standing is Standing.REFUTED]
        if any(not insist or r.broken + r.healthy >= REPEATS for r in refuted):
            return None
        step = self._ask(readings, Purpose.VERIFY, universe, union(causes))
        return step or Found(causes=causes, readings=tuple(readings), posterior=posterior)

    def _fall_back(self, universe: int, posterior: float, best: tuple[int, ...]) -> Step:
        """ddmin with each answer repeated until it is trusted; what it ends with is verified like any candidate."""
        reduction, subset, cause = ddmin(universe), universe, None
        while cause is None:
            reading = self._read(Claim(subset=subset, breaks=True, says=""), REDUCTION_ERROR, tuple(Purpose))
            if (step := self._ask([reading], Purpose.FALLBACK, universe, 0)) is not None:
                return step
            breaks = reading.standing is Standing.CONFIRMED
            try:
                if subset == universe and not breaks:
                    subset, cause = 0, 0
                else:
                    subset = next(reduction) if subset == universe else reduction.send(breaks)
            except StopIteration as end:
                cause = int(end.value)
        causes = (cause,) if cause else ()
        verified = self._verify(causes, universe, posterior, insist=False)
        return verified or self._unproven(causes or best, posterior)

    def _unproven(self, causes: tuple[int, ...], posterior: float) -> Conclusion:
        reason = "the search did not settle and what delta debugging ended with did not pass verification"
        return Conclusion(
            ending=Ending.UNPROVEN, causes=causes, posterior=posterior, readings=(), fallback=True, reason=reason
        )

    def _read(self, claim: Claim, error: float, purposes: Collection[Purpose]) -> Reading:
        return read_claim(claim, self.evidence, self.rates, error, testable=self.testable, purposes=purposes)

    def _ask(self, readings: Sequence[Reading], purpose: Purpose, universe: int, candidate: int) -> Ask | None:
        """The next probe that a reading lacks, a pause while enough of them run, or None when all are settled."""
        unsettled = [r for r in readings if r.standing in {Standing.OPEN, Standing.REFUTED}]
        if purpose is not Purpose.VERIFY or not candidate:
            unsettled = [r for r in unsettled if r.standing is Standing.OPEN]
        for reading in unsettled:
            running = sum(probe.subset == reading.claim.subset for probe in self.pending)
            if running < max(reading.missing, 1):
                return self._probe(reading.claim.subset, purpose, universe, candidate)
        return Wait.WAIT if unsettled else None

    def _probe(self, subset: int, purpose: Purpose, universe: int, candidate: int = 0) -> Probe:
        index = 1 + max((probe.index for probe in self.probes), default=-1)
        seed = self.question.seed + index
        return Probe(
            index=index, subset=subset, seed=seed, purpose=purpose, universe=universe, candidate=candidate
        )

    def _spent(self, universe: int) -> int:
        return sum(p.purpose is Purpose.SEARCH and p.universe == universe for p in self.probes)

    def _begun(self, universe: int, candidate: int) -> bool:
        mine = (p for p in self.probes if p.purpose is Purpose.VERIFY and p.universe == universe)
        return any(p.candidate == candidate for p in mine)
