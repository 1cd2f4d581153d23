"""What a probe is and what an oracle answers: the seam between the engine, which knows no training, and trainings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Verdict(StrEnum):
    """What became of the good run with some of the bad run's values.

    Only the first two say something about the deltas; the others are paid for and teach nothing.
    """

    BROKEN = "broken"
    HEALTHY = "healthy"
    UNDECIDED = "undecided"
    UNTESTABLE = "untestable"


class Purpose(StrEnum):
    """Why a probe is made."""

    CALIBRATE = "calibrate"
    SEARCH = "search"
    VERIFY = "verify"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question to the oracle.

    Attributes:
        index: number of the probe within the bisect, from 0.
        subset: the deltas that have the bad run's values, as bits.
        seed: of the training; another one for every probe.
        purpose: why it is made.
        universe: the deltas among which a cause was looked for, as bits.
        candidate: the causes that were being verified, together, as bits; 0 when none was.
    """

    index: int
    subset: int
    seed: int
    purpose: Purpose
    universe: int = 0
    candidate: int = 0


@dataclass(frozen=True)
class Outcome:
    """An oracle's answer.

    Attributes:
        verdict: what became of the run.
        cost: seconds it took.
        detail: the numbers behind it, in a clause.
    """

    verdict: Verdict
    cost: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class Observation:
    """A probe and its answer."""

    probe: Probe
    outcome: Outcome


class Oracle(Protocol):
    """Trains the good configuration with the deltas of `probe.subset`, from `probe.seed`, and judges it.

    It is called in any order and from several processes, so that its answer may depend on the probe alone.
    """

    def __call__(self, probe: Probe) -> Outcome:
        """Answer one probe."""
        ...
