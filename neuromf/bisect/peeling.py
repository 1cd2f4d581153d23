"""Cause after cause, until those that are known explain the bad run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuromf.bisect.claims import ClaimReading, ClaimStatus
from neuromf.bisect.hypotheses import minimal, minimal_hitting_sets
from neuromf.bisect.oracle import Probe
from neuromf.bisect.question import BisectEnding, Conclusion
from neuromf.bisect.turn import Ask, Found, Turn


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
class Gap:
    """What the known causes leave open.

    Attributes:
        focus: a universe that breaks without any known cause, None when there is none.
        readings: claims that were read.
        ask: the probe, or pause, that is needed to know; None when all is known.
    """

    focus: int | None
    readings: tuple[ClaimReading, ...] = ()
    ask: Ask | None = None


@dataclass(frozen=True)
class Explained:
    """How far the explanation of the bad run has come.

    Attributes:
        step: what to do next, or the answer.
        proof: what is verified by now.
    """

    step: Ask | Conclusion
    proof: Proof


def explain(turn: Turn) -> Explained:
    """Go from universe to universe until the known causes explain the bad run; or say what must be asked for that."""
    proof = Proof()
    while True:
        gap = _gap(turn, proof)
        if gap.ask is not None:
            return Explained(gap.ask, proof)
        if gap.focus is None:
            return Explained(_answer(turn, proof, gap.readings), proof)
        step = turn.pursue(gap.focus)
        if isinstance(step, Conclusion):
            step = replace(step, causes=proof.causes, readings=proof.readings)
        if not isinstance(step, Found):
            return Explained(step, proof)
        proof = _extend(proof, step, gap.focus)


def _gap(turn: Turn, proof: Proof) -> Gap:
    """Where the bad run still breaks with one delta of each known cause taken back, for every such choice."""
    full = turn.question.full
    if not proof.causes:
        return Gap(None if full in proof.healthy else full)
    universes = [full & ~choice for choice in minimal_hitting_sets(proof.causes)]
    found = [turn.heals(universe) for universe in universes if universe not in proof.healthy]
    readings = tuple(reading for reading, _ in found)
    for reading in readings:
        if reading.standing is ClaimStatus.REFUTED and reading.claim.subset:
            return Gap(reading.claim.subset, readings)
    asks = [ask for _, ask in found if ask is not None]
    return Gap(None, readings, next((ask for ask in asks if isinstance(ask, Probe)), asks[0] if asks else None))


def _extend(proof: Proof, step: Found, focus: int) -> Proof:
    return Proof(
        causes=tuple(minimal([*proof.causes, *step.causes])),
        readings=(*proof.readings, *step.readings),
        posterior=step.posterior,
        healthy=proof.healthy if step.causes else proof.healthy | {focus},
    )


def _answer(turn: Turn, proof: Proof, readings: tuple[ClaimReading, ...]) -> Conclusion:
    return Conclusion(
        ending=BisectEnding.FOUND if proof.causes else BisectEnding.NO_CULPRIT,
        causes=proof.causes,
        posterior=proof.posterior,
        readings=(*proof.readings, *readings),
        fallback=turn.ledger.fallback,
        reason=_not_excluded(readings),
    )


def _not_excluded(completeness: Sequence[ClaimReading]) -> str:
    """What the mixtures that cannot be trained leave open, in a clause; empty when all of them were trained."""
    count = sum(reading.standing is ClaimStatus.UNTESTABLE for reading in completeness)
    if not count:
        return ""
    mixtures = "1 mixture" if count == 1 else f"{count} mixtures"
    return f"{mixtures} that should be healthy cannot be trained, so that another cause beside these is not excluded"
