"""Steps that a gradient scaler passes over: some are usual, for it looks for its scale; many in a row are a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromf_spec.laws.guard import finite_step

from neuromf.any_loop.rules.reading import LoopReading
from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of

MOST = 20
"""In a row. torch halves its scale at each: twenty are a factor of a million, more than it has to come down from."""


class SkipRule:
    """Counts skipped steps in a row (law NUM-001)."""

    def __init__(self) -> None:
        self._count = 0

    def observe(self, reading: LoopReading) -> list[Alarm]:
        """Judge one step."""
        self._count = self._count + 1 if reading.skipped else 0
        if self._count <= MOST:
            return []
        norm = float("nan") if reading.grad_norm is None else reading.grad_norm
        alarm = alarm_of("NUM-001", Level.WARN, finite_step(loss=reading.raw, gradient_norm=norm))
        said = f"; {self._count} steps in a row were skipped: nothing is trained"
        return [Alarm(alarm.law, alarm.level, f"{self._count} skipped steps", f"<= {MOST}", alarm.message + said)]

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold."""
        return {"count": self._count}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self._count = int(state["count"])
