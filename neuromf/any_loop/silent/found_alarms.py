"""What a watch has found and nobody has taken yet; it is logged, once, where no guard takes it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from neuromf.monitor.guard.alarm import Alarm

LOG = logging.getLogger("neuromf")


class FoundAlarms:
    """Alarms of a watch.

    Args:
        guarded: whether a guard takes them.
    """

    def __init__(self, guarded: bool) -> None:
        self._guarded = guarded
        self._fresh: list[Alarm] = []
        self._told: set[str] = set()

    def add(self, alarms: Sequence[Alarm], step: int) -> None:
        """Keep alarms, and log those of a new law or level where no guard does.

        Args:
            alarms: what was found.
            step: number of the update, from 0.
        """
        self._fresh += alarms
        for alarm in alarms:
            key = f"{alarm.law} {alarm.level}"
            if not self._guarded and key not in self._told:
                LOG.warning("neuromf: at update %d, %s: %s", step, alarm.law, alarm.message)
            self._told.add(key)

    def take(self) -> list[Alarm]:
        """What was added since the last call."""
        found, self._fresh = self._fresh, []
        return found

    def state(self) -> list[str]:
        """What a checkpoint must hold."""
        return sorted(self._told)

    def load_state(self, state: Iterable[object]) -> None:
        """Go on from a checkpoint's state."""
        self._told = {str(key) for key in state}
