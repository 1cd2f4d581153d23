"""What the guard is told of one step, as plain numbers, and what a rule makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from neuromf.monitor.guard.alarm import Alarm


@dataclass(frozen=True, kw_only=True)
class LoopReading:
    """One step of a loop, in the loop's own units.

    Attributes:
        loss: what the loop shows and differentiates.
        raw: the loss that is judged: the raw one where the loop has one, else the same.
        grad_norm: global norm of the gradient, None where it is not told.
        flow: raw FM loss, where there is one.
        meanflow: raw MF loss, likewise.
        skipped: whether a gradient scaler passes over the step, so that its gradient is not applied.
        metrics: everything else that was told.
    """

    loss: float
    raw: float
    grad_norm: float | None = None
    flow: float | None = None
    meanflow: float | None = None
    skipped: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)


class LoopRule(Protocol):
    """Something that is judged at every step, with a state that a checkpoint holds."""

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Judge one step."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold, of JSON's types."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
