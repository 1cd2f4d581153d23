"""What became of a law, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.batch import GivenBatch


class Status(StrEnum):
    """What the suite says of a law.

    HOLDS: within rounding.
    FALLS: it does not, and one named change of the code would make it hold.
    DECLARED: it does not, and the code says so.
    UNEXPLAINED: it does not, and no single change that the suite knows would make it hold; the adapter is as likely
        at fault as the code.
    NOT_APPLICABLE: the code has not what the law speaks of.
    CANNOT_RUN: the code or its adapter raised an error.
    """

    HOLDS = "holds"
    FALLS = "falls"
    DECLARED = "declared"
    UNEXPLAINED = "unexplained"
    NOT_APPLICABLE = "not applicable"
    CANNOT_RUN = "cannot run"


FAILED = (Status.FALLS, Status.UNEXPLAINED, Status.CANNOT_RUN)
"""Statuses that fail a run of the suite."""


@dataclass(frozen=True, kw_only=True)
class LossCall:
    """One call of a loss, so that it can be repeated without the suite.

    Attributes:
        field: which of the suite's fields the network was, `polynomial` or `gaussian`.
        parameters: of the network.
        batch: in the suite's times.
        knob: the parameter whose gradient is looked at; empty for the value.
        over: the parameter whose gradient it is divided by, or `norm` of the whole gradient; empty for neither.
        found: what the code returned.
        law: what the law says, in words or as a number.
    """

    field: str
    parameters: Mapping[str, float]
    batch: GivenBatch
    knob: str
    over: str = ""
    found: float
    law: str


@dataclass(frozen=True, kw_only=True)
class TimesCall:
    """Calls of a sampler of times.

    Attributes:
        count: samples of a call.
        seeds: one a call.
        shown: what is looked at, an expression of numpy in r and t.
        law: what the law says of it.
    """

    count: int
    seeds: Sequence[int]
    shown: str
    law: str


@dataclass(frozen=True, kw_only=True)
class SampleCall:
    """One call of a sampler with the suite's polynomial.

    Attributes:
        parameters: of the network.
        noise: that it is given (B, ...).
        steps: of the sampler.
        law: first number of the samples.
    """

    parameters: Mapping[str, float]
    noise: NDArray[np.float64]
    steps: int
    law: float


@dataclass(frozen=True, kw_only=True)
class AverageCall:
    """One call of a moving average.

    Attributes:
        weights: before the first step and after each.
        law: first number of the average.
    """

    weights: Sequence[NDArray[np.float64]]
    law: float


@dataclass(frozen=True, kw_only=True)
class RateCall:
    """One call of a schedule.

    Attributes:
        step: from 0.
        law: factor on the rate.
    """

    step: int
    law: str


Trial = LossCall | TimesCall | SampleCall | AverageCall | RateCall


@dataclass(frozen=True, kw_only=True)
class Result:
    """One fact of a law.

    Attributes:
        law_id: id in the registry.
        fact: which of the things that the law says.
        status: what became of it.
        value: the number that was judged, or words.
        bound: what it is held to.
        detail: the numbers in a sentence.
        repair: the one change that makes the law hold.
        trials: calls that show it.
        seconds: that the judging took.
    """

    law_id: str
    fact: str
    status: Status
    value: float | str = ""
    bound: str = ""
    detail: str = ""
    repair: str = ""
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """Law and fact."""
        return f"{self.law_id} {self.fact}"
