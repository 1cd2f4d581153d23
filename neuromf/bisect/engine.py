"""The engine of a bisect: from the answers so far to the probes to start next, or the conclusion.

It holds no state but tables computed from the question, so that the same answers always give the same decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuromf.bisect.all_causes import Proof, find_all_causes
from neuromf.bisect.choice import Best, Search
from neuromf.bisect.hypotheses import Hypotheses, build_hypotheses
from neuromf.bisect.journal import ProbeJournal
from neuromf.bisect.oracle import Observation, Oracle, Probe, ProbePurpose
from neuromf.bisect.planner import Planner
from neuromf.bisect.posterior import Evidence
from neuromf.bisect.question import BisectEnding, Conclusion, Question, Wait


@dataclass(frozen=True, kw_only=True)
class SearchProgress:
    """Where a bisect stands.

    Attributes:
        leaders: the likeliest hypotheses on all deltas, likeliest first.
        probes: probes finished, those of the calibration left out.
        left: about how many more the search needs, verification left out.
    """

    leaders: tuple[Best, ...]
    probes: int
    left: int


class Engine:
    """Answers one question; holds nothing but the tables that follow from it.

    Args:
        question: deltas' weights, error rates, budgets.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self._hypotheses: dict[tuple[int, frozenset[int]], Hypotheses] = {}

    def next_probe(
        self, observations: Sequence[Observation], pending: Sequence[Probe] = ()
    ) -> Probe | Wait | Conclusion:
        """What to do next.

        Args:
            observations: finished probes, in any order.
            pending: probes that are running.

        Returns:
            A probe to start, WAIT when nothing is worth starting before a running one has ended, or the answer.
        """
        evidence = Evidence(observations)
        planner = Planner(self.question, evidence, pending, lambda universe: self._search(universe, evidence))
        explained = find_all_causes(planner)
        step = explained.step
        if not isinstance(step, Probe) or self._paid(observations, pending) < self.question.budget:
            return step
        return Wait.WAIT if pending else self._spent(planner, explained.proof)

    def next_probes(
        self, observations: Sequence[Observation], pending: Sequence[Probe], count: int
    ) -> list[Probe] | Conclusion:
        """Up to `count` probes to start side by side, none to wait, or the answer."""
        started: list[Probe] = []
        while len(started) < count:
            step = self.next_probe(observations, [*pending, *started])
            if isinstance(step, Conclusion):
                return started or step
            if isinstance(step, Wait):
                break
            started.append(step)
        return started

    def progress(self, observations: Sequence[Observation], leaders: int = 3) -> SearchProgress:
        """Where the bisect stands, for a progress bar."""
        search = self._search(self.question.full, Evidence(observations))
        best = tuple(search.leaders(leaders))
        return SearchProgress(leaders=best, probes=self._paid(observations, ()), left=search.probes_left())

    def _spent(self, planner: Planner, proof: Proof) -> Conclusion:
        best = planner.search_in(self.question.full).best()
        return Conclusion(
            ending=BisectEnding.BUDGET,
            causes=proof.causes,
            guess=() if proof.causes else best.causes,
            posterior=proof.posterior if proof.causes else best.probability,
            readings=proof.readings,
            fallback=planner.ledger.fallback,
            reason=f"{self.question.budget} probes were not enough",
        )

    def _paid(self, observations: Sequence[Observation], pending: Sequence[Probe]) -> int:
        probes = (*(o.probe for o in observations), *pending)
        return sum(probe.purpose is not ProbePurpose.CALIBRATE for probe in probes)

    def _search(self, universe: int, evidence: Evidence) -> Search:
        key = (universe, evidence.untestable)
        if key not in self._hypotheses:
            untestable = evidence.untestable
            weights, testable = self.question.weights, self.question.testable
            self._hypotheses[key] = build_hypotheses(
                weights, universe, lambda subset: subset not in untestable and testable(subset)
            )
        return Search(self.question, self._hypotheses[key], universe, evidence)


def run(engine: Engine, oracle: Oracle) -> tuple[Conclusion, list[Observation]]:
    """Bisect with one probe at a time, without a journal."""
    observations: list[Observation] = []
    while not isinstance(step := engine.next_probe(observations), Conclusion):
        if not isinstance(step, Probe):
            raise RuntimeError("the engine waits although nothing runs")
        observations.append(Observation(step, oracle(step)))
    return step, observations


def bisect(engine: Engine, oracle: Oracle, journal: ProbeJournal) -> Conclusion:
    """Go on where the journal ends: first with the probes that were started and never finished.

    Args:
        engine: what chooses the probes.
        oracle: what answers them.
        journal: open journal of the same question.
    """
    for probe in journal.pending:
        journal.finish(probe, oracle(probe))
    while not isinstance(step := engine.next_probe(journal.observations), Conclusion):
        if not isinstance(step, Probe):
            raise RuntimeError("the engine waits although nothing runs")
        journal.start(step)
        journal.finish(step, oracle(step))
    return step
