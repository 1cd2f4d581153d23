"""The answer as one JSON-ready document."""

from __future__ import annotations

from typing import Any

from neuromf.bisect.blame import blame
from neuromf.bisect.claims import Reading
from neuromf.bisect.oracle import Observation
from neuromf.bisect.session import Finished
from neuromf.bisect.study import Study
from neuromf.bisect.subsets import members


def document(study: Study, finished: Finished) -> dict[str, Any]:
    """Everything that is known at the end; sets of deltas are given by their keys."""
    conclusion, observations = finished.conclusion, finished.observations
    return {
        "ending": conclusion.ending.value,
        "reason": conclusion.reason,
        "causes": [cause(study, subset) for subset in conclusion.causes],
        "guess": [keys(study, subset) for subset in conclusion.guess],
        "posterior": conclusion.posterior,
        "fallback": conclusion.fallback,
        "rates": {"false_negative": finished.rates.false_negative, "false_positive": finished.rates.false_positive},
        "claims": [_claim(study, reading) for reading in conclusion.readings],
        "probes": len(observations),
        "seconds": round(sum(o.outcome.cost for o in observations), 1),
        "question": study.question(),
        "deltas": [_delta(study, number) for number in range(len(study.names))],
        "hidden": list(study.hidden),
        "evidence": [evidence(study, o) for o in observations],
    }


def keys(study: Study, subset: int) -> list[str]:
    """Keys of a set of deltas."""
    return [study.names[number] for number in members(subset)]


def cause(study: Study, subset: int) -> dict[str, Any]:
    """One minimal cause: its keys with both values, and the laws that it breaks alone."""
    broken = blame(study.good, study.differences.mixtures.config(subset))
    laws = [{"law": b.law, "title": b.title, "found": b.found} for b in broken]
    return {"deltas": [_delta(study, number) for number in members(subset)], "laws": laws}


def evidence(study: Study, observation: Observation) -> dict[str, Any]:
    """One probe as a row."""
    probe, outcome = observation.probe, observation.outcome
    return {
        "index": probe.index, "purpose": probe.purpose.value, "seed": probe.seed, "verdict": outcome.verdict.value,
        "seconds": outcome.cost, "detail": outcome.detail, "keys": " ".join(keys(study, probe.subset)),
    }  # fmt: skip


def _delta(study: Study, number: int) -> dict[str, Any]:
    delta = study.differences.deltas[number]
    laws = sorted({b.law for b in delta.blame})
    return {"keys": list(delta.keys), "good": list(delta.good), "bad": list(delta.bad), "laws": laws}


def _claim(study: Study, reading: Reading) -> dict[str, Any]:
    return {
        "keys": keys(study, reading.claim.subset), "says": reading.claim.says, "standing": reading.standing.value,
        "broken": reading.broken, "healthy": reading.healthy,
    }  # fmt: skip
