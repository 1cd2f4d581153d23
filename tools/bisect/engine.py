"""The bisect as a state machine without a clock, a file or a training: finished probes in, the next probe out.

1. Search: Bayesian adaptive group testing over the hypotheses of `hypotheses.py`, the probe of largest mutual
   information each time, until one hypothesis has 95 %.
2. Verification with fresh trainings: each cause alone breaks the good run and without any of its deltas it does not.
   The answers also enter the posterior, so that a refuted candidate sends the search on its way again.
3. Completeness: the bad run without one delta of each cause is healthy, for every such choice; where it still breaks
   there is another cause among what is left, and the search starts again there ("peeling").
4. When a search has spent its probes without a likely candidate, ddmin with repeated answers takes over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.bisect.claims import Reading, Standing
from tools.bisect.evidence import Evidence
from tools.bisect.hypotheses import Hypotheses, build_hypotheses
from tools.bisect.oracle import Observation, Oracle, Probe, Purpose
from tools.bisect.question import Conclusion, Ending, Question, Wait
from tools.bisect.search import Best, Search
from tools.bisect.subsets import minimal, minimal_hitting_sets
from tools.bisect.turn import Ask, Found, Turn


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a bisect stands.

    Attributes:
        leaders: the likeliest hypotheses on all deltas, likeliest first.
        probes: probes finished, those of the calibration left out.
        left: about how many more the search needs, verification left out.
    """

    leaders: tuple[Best, ...]
    probes: int
    left: int


@dataclass(frozen=True, kw_only=True)
class _Proof:
    """What has been found so far: causes, what was read of the claims, the last posterior."""

    causes: tuple[int, ...] = ()
    readings: tuple[Reading, ...] = ()
    posterior: float = 0.0
    healthy: frozenset[int] = frozenset()


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
        step = self._decide(Turn(self.question, evidence, pending, lambda u: self._search(u, evidence)))
        if not isinstance(step, Probe) or self._paid(observations, pending) < self.question.budget:
            return step
        return Wait.WAIT if pending else self._spent(evidence)

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

    def progress(self, observations: Sequence[Observation], leaders: int = 3) -> Progress:
        """Where the bisect stands, for a progress bar."""
        search = self._search(self.question.full, Evidence(observations))
        best = tuple(search.leaders(leaders))
        return Progress(leaders=best, probes=self._paid(observations, ()), left=search.probes_left())

    def _decide(self, turn: Turn) -> Ask | Conclusion:
        """Go from universe to universe until the known causes explain the bad run."""
        proof = _Proof()
        while True:
            focus, readings, ask = self._unexplained(turn, proof)
            if ask is not None:
                return ask
            if focus is None:
                return self._answer(turn, proof, readings)
            step = turn.pursue(focus)
            if not isinstance(step, Found):
                return step
            proof = self._extend(proof, step, focus)

    def _unexplained(self, turn: Turn, proof: _Proof) -> tuple[int | None, tuple[Reading, ...], Ask | None]:
        """A universe that breaks without any known cause, what was read of the others, or the probe that would tell."""
        full = self.question.full
        if not proof.causes:
            return (None if full in proof.healthy else full), (), None
        universes = [full & ~choice for choice in minimal_hitting_sets(proof.causes)]
        found = [turn.heals(universe) for universe in universes if universe not in proof.healthy]
        readings = tuple(reading for reading, _ in found)
        for reading in readings:
            if reading.standing is Standing.REFUTED and reading.claim.subset:
                return reading.claim.subset, readings, None
        asks = [ask for _, ask in found if ask is not None]
        return None, readings, next((ask for ask in asks if isinstance(ask, Probe)), asks[0] if asks else None)

    def _extend(self, proof: _Proof, step: Found, focus: int) -> _Proof:
        return _Proof(
            causes=tuple(minimal([*proof.causes, *step.causes])),
            readings=(*proof.readings, *step.readings),
            posterior=step.posterior,
            healthy=proof.healthy if step.causes else proof.healthy | {focus},
        )

    def _answer(self, turn: Turn, proof: _Proof, readings: tuple[Reading, ...]) -> Conclusion:
        return Conclusion(
            ending=Ending.FOUND if proof.causes else Ending.NO_CULPRIT,
            causes=proof.causes,
            posterior=proof.posterior,
            readings=(*proof.readings, *readings),
            fallback=turn.fallback,
        )

    def _spent(self, evidence: Evidence) -> Conclusion:
        best = self._search(self.question.full, evidence).best()
        fallback = any(o.probe.purpose is Purpose.FALLBACK for o in evidence.observations)
        reason = f"{self.question.budget} probes were not enough"
        return Conclusion(
            ending=Ending.BUDGET, causes=best.causes, posterior=best.probability, readings=(), fallback=fallback,
            reason=reason,
        )  # fmt: skip

    def _paid(self, observations: Sequence[Observation], pending: Sequence[Probe]) -> int:
        probes = (*(o.probe for o in observations), *pending)
        return sum(probe.purpose is not Purpose.CALIBRATE for probe in probes)

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
    while True:
        step = engine.next_probe(observations)
        if isinstance(step, Conclusion):
            return step, observations
        if not isinstance(step, Probe):
            raise RuntimeError("the engine waits although nothing runs")
        observations.append(Observation(step, oracle(step)))
