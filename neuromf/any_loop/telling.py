"""What a guard has told of, so that each alarm is told once: in the record and by a notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neuromf.any_loop.record_writer import LoopRecord
from neuromf.any_loop.verdict import STOPS, LoopVerdict
from neuromf.monitor.events import Event
from neuromf.monitor.guard.alarm import Alarm
from neuromf.monitor.notice import Notifier


class Telling:
    """Tells alarms once, by law and level.

    Args:
        notifier: posts each one, where there is one.
    """

    def __init__(self, notifier: Notifier | None) -> None:
        self._notifier = notifier
        self._told: set[str] = set()

    def fresh(self, alarms: Sequence[Alarm]) -> list[Alarm]:
        """Those that were not told before, the first of each law and level."""
        first = {f"{alarm.law} {alarm.level}": alarm for alarm in reversed(alarms)}
        return [alarm for key, alarm in reversed(first.items()) if key not in self._told]

    def tell(self, verdict: LoopVerdict, record: LoopRecord | None, cells: Mapping[str, float | None]) -> None:
        """Record a step, where there is a record, and tell what is fresh.

        Args:
            verdict: on the step.
            record: of the loop.
            cells: the step's numbers for its row.
        """
        self._told |= {f"{alarm.law} {alarm.level}" for alarm in verdict.fresh}
        if record is not None:
            record.step(verdict.step, cells)
        for alarm in verdict.fresh:
            event = event_of(verdict, alarm)
            if record is not None:
                record.tell(event)
            if self._notifier is not None:
                self._notifier.tell(event)

    def state(self) -> list[str]:
        """What a checkpoint must hold."""
        return sorted(self._told)

    def load_state(self, state: Iterable[object]) -> None:
        """Go on from a checkpoint's state."""
        self._told = {str(key) for key in state}

    def settle(self) -> None:
        """Wait for notices under way."""
        if self._notifier is not None:
            self._notifier.settle()


def event_of(verdict: LoopVerdict, alarm: Alarm) -> Event:
    """An alarm as the record keeps it."""
    return Event(
        step=verdict.step, level="halt" if alarm.level in STOPS else "warn", law=alarm.law, message=alarm.message,
        value=alarm.value, bound=alarm.bound, rank=alarm.rank,
    )  # fmt: skip
