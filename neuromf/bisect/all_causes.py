"""Finds every cause of the bad run, one after the other, until those found explain it completely.

After each cause one of its deltas is taken back. If the run still breaks, what remains is the next universe to search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuromf.bisect.claims import ClaimReading, ClaimStatus
from neuromf.bisect.hypotheses import minimal, minimal_hitting_sets
from neuromf.bisect.oracle import Probe
from neuromf.bisect.planner import Ask, Found, Planner
from neuromf.bisect.question import BisectEnding, Conclusion


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What has been found so far.

    Attributes:
        causes: verified minimal causes.
        readings: claims that were settled on the way.
        posterior: of the hypothesis behind the last cause.
        healthy: universes that were searched and are verified not to break.
    """

    causes: tuple[int, ...] = ()
    readings: tuple[ClaimReading, ...] = ()
    posterior: float = 0.0
    healthy: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Unexplained:
    """What the known causes do not explain yet.

    Attributes:
        focus: a set of deltas that breaks the run although it contains no known cause; None when there is none.
        readings: the claims that were tested to find out.
        ask: the probe or pause that is still needed to find out; None when it is known.
    """

    focus: int | None
    readings: tuple[ClaimReading, ...] = ()
    ask: Ask | None = None


@dataclass(frozen=True)
class Explained:
    """How far the search for all causes has come.

    Attributes:
        step: the probe to start, a pause, or the answer.
        proof: what is verified by now.
    """

    step: Ask | Conclusion
    proof: Proof


def find_all_causes(planner: Planner) -> Explained:
    """Search universe after universe until the known causes explain the bad run, or a probe is needed to go on."""
    proof = Proof()
    while True:
        unexplained = _unexplained(planner, proof)
        if unexplained.ask is not None:
            return Explained(unexplained.ask, proof)
        if unexplained.focus is None:
            return Explained(_answer(planner, proof, unexplained.readings), proof)
        step = planner.find_causes(unexplained.focus)
        if isinstance(step, Conclusion):
            step = replace(step, causes=proof.causes, readings=proof.readings)
        if not isinstance(step, Found):
            return Explained(step, proof)
        proof = _extend(proof, step, unexplained.focus)


def _unexplained(planner: Planner, proof: Proof) -> Unexplained:
    """What still breaks after one delta of each known cause is taken back, tried for every minimal choice of them."""
    full = planner.question.full
    if not proof.causes:
        return Unexplained(None if full in proof.healthy else full)
    universes = [full & ~choice for choice in minimal_hitting_sets(proof.causes)]
    found = [planner.test_completeness(universe) for universe in universes if universe not in proof.healthy]
    readings = tuple(reading for reading, _ in found)
    for reading in readings:
        if reading.status is ClaimStatus.REFUTED and reading.claim.subset:
            return Unexplained(reading.claim.subset, readings)
    asks = [ask for _, ask in found if ask is not None]
    return Unexplained(None, readings, next((ask for ask in asks if isinstance(ask, Probe)), asks[0] if asks else None))


def _extend(proof: Proof, step: Found, focus: int) -> Proof:
    return Proof(
        causes=tuple(minimal([*proof.causes, *step.causes])),
        readings=(*proof.readings, *step.readings),
        posterior=step.posterior,
        healthy=proof.healthy if step.causes else proof.healthy | {focus},
    )


def _answer(planner: Planner, proof: Proof, readings: tuple[ClaimReading, ...]) -> Conclusion:
    return Conclusion(
        ending=BisectEnding.FOUND if proof.causes else BisectEnding.NO_CULPRIT,
        causes=proof.causes,
        posterior=proof.posterior,
        readings=(*proof.readings, *readings),
        fallback=planner.ledger.fallback,
        reason=_not_excluded(readings),
    )


def _not_excluded(completeness: Sequence[ClaimReading]) -> str:
    """A clause on the mixtures that could not be trained; empty when all of them were."""
    count = sum(reading.status is ClaimStatus.UNTESTABLE for reading in completeness)
    if not count:
        return ""
    mixtures = "1 mixture" if count == 1 else f"{count} mixtures"
    return f"{mixtures} that should be healthy cannot be trained, so that another cause is not excluded"
