"""Whether a training may start: because the static gate passes it, or because the user allows a blocked one.

Either way the run keeps a line about it (`gate` in `run.json`).
"""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.errors import InputError
from neuromf.gate.result import REFUSED
from neuromf.gate.verdict import GateVerdict


@dataclass(frozen=True)
class Admission:
    """The gate's verdict on a configuration, and the user's reason to train it although it is blocked.

    Attributes:
        verdict: by the laws that need no run.
        allow_blocked: the reason; None when the user gave none.
    """

    verdict: GateVerdict
    allow_blocked: str | None

    def __post_init__(self) -> None:
        if self.allow_blocked is not None and not self.allow_blocked.strip():
            remedy = 'say why, as in --allow-blocked "ablation of the warm-up"'
            raise InputError("is empty", remedy=remedy, key="--allow-blocked")

    @property
    def admitted(self) -> bool:
        """Whether the run may start."""
        return self.verdict.status == "PASS" or self.allow_blocked is not None

    @property
    def allowance(self) -> str:
        """Why a blocked run may start, to follow the verdict on its line; empty where the gate passes it."""
        return "" if self.verdict.status == "PASS" else allowance(self.allow_blocked or "")

    @property
    def record(self) -> str:
        """One line for the run's own record."""
        blocked, waived = (", ".join(self.verdict.laws(*statuses)) for statuses in (REFUSED, ("waived",)))
        said = f"BLOCKED by {blocked}" if blocked else "PASS"
        return f"{said}{self.allowance}" + (f"; waived: {waived}" if waived else "")


def allowance(reason: str) -> str:
    """The clause on a run that starts although it is blocked."""
    return f"; allowed although blocked: {reason}"
