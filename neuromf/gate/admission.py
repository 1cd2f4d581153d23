"""Whether a training may start: the static gate's word on it, and what the run keeps of that."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.errors import InputError
from neuromf.gate.verdict import GateVerdict


@dataclass(frozen=True)
class Admission:
    """The gate's verdict and what whoever starts the run says to it.

    Attributes:
        verdict: on the configuration, by the laws that need no run.
        despite: why the run is wanted although laws block it; None where nobody said so.
    """

    verdict: GateVerdict
    despite: str | None

    def __post_init__(self) -> None:
        if self.despite is not None and not self.despite.strip():
            raise InputError("is empty", remedy='say why, as in --despite "ablation of the warm-up"', key="--despite")

    @property
    def admitted(self) -> bool:
        """Whether the run may start."""
        return self.verdict.status == "PASS" or self.despite is not None

    @property
    def excuse(self) -> str:
        """Why a blocked run starts all the same, to stand behind the verdict; empty where it passes."""
        return "" if self.verdict.status == "PASS" else f"; trained despite it: {self.despite}"

    @property
    def record(self) -> str:
        """One line for the run's own record."""
        blocked, waived = (", ".join(self.verdict.laws(status)) for status in ("block", "waived"))
        said = f"BLOCKED by {blocked}" if blocked else "PASS"
        return f"{said}{self.excuse}" + (f"; waived: {waived}" if waived else "")
