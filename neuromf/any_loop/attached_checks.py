"""Checks of silent faults that a guard takes over into its verdicts and its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from neuromf.monitor.guard.alarm import Alarm


class SilentChecks(Protocol):
    """What `watch_training` finds, taken over by the guard of its loop."""

    def take(self) -> list[Alarm]:
        """Alarms since the last call."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""


class AttachedChecks:
    """Those of one guard, which may be attached before or after its state is loaded."""

    def __init__(self) -> None:
        self._checks: list[SilentChecks] = []
        self._kept: list[Mapping[str, Any]] = []

    def attach(self, checks: SilentChecks) -> None:
        """Take over what they find; they go on from the state that was loaded, if one was."""
        self._checks.append(checks)
        if len(self._checks) <= len(self._kept):
            checks.load_state_dict(self._kept[len(self._checks) - 1])

    def take(self) -> list[Alarm]:
        """Alarms of all since the last call."""
        return [alarm for checks in self._checks for alarm in checks.take()]

    def state(self) -> list[dict[str, Any]]:
        """What a checkpoint must hold, in the order they were attached."""
        return [checks.state_dict() for checks in self._checks]

    def load_state(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Go on from a checkpoint's state; what is attached later takes its own then."""
        self._kept = list(state)
        for checks, kept in zip(self._checks, self._kept, strict=False):
            checks.load_state_dict(kept)
