"""The question that a bisect answers (deltas, error rates, budgets) and the form of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from neuromf.bisect.claims import ClaimReading
from neuromf.bisect.posterior import Rates
from neuromf.errors import InputError

LARGEST = 24
"""Most deltas of one bisect. All 2^24 subsets are looked at for every probe, in 2 to 4 seconds and 1.1 GB."""


def _always(_subset: int) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Question:
    """One bisect.

    Attributes:
        weights: how suspect each delta is beforehand, relative to 1; its length is the number of deltas.
        rates: error rates of the oracle, as calibrated.
        testable: whether a subset of the deltas makes a configuration that can be trained.
        stop: posterior at which a search ends and verification begins; 1 - stop is the accepted error of all claims.
        search_budget: probes of one search, after which its best candidate is verified or ddmin takes over.
        budget: probes of the whole bisect, those of the calibration not counted.
        seed: of the first probe; each one after it takes the next.
    """

    weights: tuple[float, ...]
    rates: Rates = field(default_factory=Rates)
    testable: Callable[[int], bool] = _always
    stop: float = 0.95
    search_budget: int = 25
    budget: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.weights) <= LARGEST:
            remedy = f"bring the two configurations closer, to between 1 and {LARGEST} differences"
            raise InputError(f"{len(self.weights)} deltas cannot be bisected", remedy=remedy, key="deltas")
        if not all(0 < weight < float("inf") for weight in self.weights):
            raise InputError("a prior weight is not positive", remedy="give positive numbers", key="weights")
        if not 0.5 < self.stop < 1:
            raise InputError(f"{self.stop:g} is no posterior to stop at", remedy="give one above 0.5", key="stop")

    @property
    def full(self) -> int:
        """All deltas: the bad run."""
        return (1 << len(self.weights)) - 1


class BisectEnding(StrEnum):
    """How a bisect ended."""

    FOUND = "found"
    NO_CULPRIT = "no culprit"
    UNPROVEN = "unproven"
    BUDGET = "budget spent"


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The answer.

    Attributes:
        ending: `found` when every cause is verified and together they explain the bad run as far as its mixtures can
            be trained; `no culprit` when the bad run is verified not to break; `unproven` when verification kept
            failing; `budget spent`.
        causes: verified minimal causes, each a subset of the deltas as bits.
        guess: what may have broken what these do not explain, not verified; empty when all is found.
        posterior: probability of the hypothesis behind the last cause, or of the guess.
        readings: the claims and what the trainings said of them.
        fallback: whether ddmin had to take over.
        reason: why it is no more than that, in a clause; empty when it is found and nothing is left open. With `found`
            it counts the mixtures without a cause that cannot be trained, where another cause may hide.
    """

    ending: BisectEnding
    causes: tuple[int, ...] = ()
    guess: tuple[int, ...] = ()
    posterior: float
    readings: tuple[ClaimReading, ...] = ()
    fallback: bool
    reason: str = ""


class Wait(StrEnum):
    """Nothing can be asked before a running probe has ended."""

    WAIT = "wait"
