"""What became of a law, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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
        found: what the code returned.
        law: what the law says, in words or as a number.
    """

    field: str
    parameters: Mapping[str, float]
    batch: GivenBatch
    knob: str
    found: float
    law: str


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
    trials: tuple[LossCall, ...] = ()
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """Law and fact."""
        return f"{self.law_id} {self.fact}"
