"""Claims such as "these keys alone break the good run", each tested by repeated trainings.

A claim is settled when errors of the oracle can no longer explain the answers (a sequential probability ratio test).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from neuromf.bisect.hypotheses import members
from neuromf.bisect.oracle import ProbePurpose, ProbeVerdict
from neuromf.bisect.posterior import FRESH, Evidence, Rates

DECIDED = (ProbeVerdict.BROKEN, ProbeVerdict.HEALTHY)
REPEATS = 12
"""Most fresh trainings of one subset; answers that are still split by then show that the error rates are wrong."""


class ClaimStatus(StrEnum):
    """Whether the trainings confirm or refute a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    OPEN = "open"
    UNTESTABLE = "untestable"


@dataclass(frozen=True, kw_only=True)
class SubsetClaim:
    """A statement about one subset.

    Attributes:
        subset: deltas with the bad run's values, as bits.
        breaks: whether the claim is that it breaks, or that it does not.
        says: the claim in a few words.
    """

    subset: int
    breaks: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class ClaimReading:
    """A claim and the answers on it.

    Attributes:
        claim: the statement.
        status: whether they confirm or refute it.
        broken: trainings that broke.
        healthy: trainings that did not.
        missing: further agreeing answers that would settle the claim; 0 when it is settled.
    """

    claim: SubsetClaim
    status: ClaimStatus
    broken: int
    healthy: int
    missing: int


def cause_claims(cause: int) -> list[SubsetClaim]:
    """The claims that make `cause` a minimal cause: it breaks the good run, and without any one delta it does not."""
    alone = SubsetClaim(subset=cause, breaks=True, says="alone breaks the good run")
    parts = [cause & ~(1 << i) for i in members(cause)]
    return [alone, *(SubsetClaim(subset=part, breaks=False, says="does not break the good run") for part in parts)]


def read_claim(
    claim: SubsetClaim,
    evidence: Evidence,
    rates: Rates,
    error: float,
    testable: Callable[[int], bool],
    purposes: Collection[ProbePurpose],
) -> ClaimReading:
    """Test a claim sequentially: settled as soon as the odds exceed (1 - error) : error either way.

    A. Wald's test (Annals of Mathematical Statistics 16 (1945)) from even odds. Answers that stay split prove nothing
    when they are fresh ones; otherwise the side with the better odds has it.

    Args:
        claim: what is tested.
        evidence: all finished probes.
        rates: error rates of the oracle, all positive.
        error: accepted probability of a wrong decision.
        testable: whether a subset can be trained.
        purposes: of the probes that count.
    """
    broken, healthy = (evidence.count(claim.subset, verdict, purposes) for verdict in DECIDED)
    odds = log_odds(broken, healthy, rates)
    status, missing = _settle(odds if claim.breaks else -odds, claim.breaks, rates, error)
    if status is ClaimStatus.OPEN and broken + healthy >= REPEATS:
        agrees = (odds > 0) == claim.breaks and purposes != FRESH
        status, missing = ClaimStatus.CONFIRMED if agrees else ClaimStatus.REFUTED, 0
    if not testable(claim.subset):
        status, missing = ClaimStatus.UNTESTABLE, 0
    return ClaimReading(claim=claim, status=status, broken=broken, healthy=healthy, missing=missing)


def log_odds(broken: int, healthy: int, rates: Rates) -> float:
    """Natural log of the odds that a subset contains a cause, from even odds."""
    return broken * rates.broken_evidence - healthy * rates.healthy_evidence


def _settle(toward: float, breaks: bool, rates: Rates, error: float) -> tuple[ClaimStatus, int]:
    """Status of a claim, and the agreeing answers it lacks, from the log odds `toward` it."""
    bound = math.log((1 - error) / error)
    if toward >= bound:
        return ClaimStatus.CONFIRMED, 0
    if toward <= -bound:
        return ClaimStatus.REFUTED, 0
    step = rates.broken_evidence if breaks else rates.healthy_evidence
    return ClaimStatus.OPEN, math.ceil((bound - toward) / step)
