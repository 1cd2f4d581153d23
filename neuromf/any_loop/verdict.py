"""What the guard of a loop says of one step."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf_spec.registry import laws

from neuromf.any_loop.rules.words import REMEDIES
from neuromf.monitor.guard.alarm import LOUDNESS, Alarm, Level

STOPS = (Level.HALT, Level.NONFINITE, Level.IRREPRODUCIBLE)
"""Levels after which a loop should end."""


def remedy_of(law_id: str) -> str:
    """What to do about a law, or about a rule without one."""
    known = laws().get(law_id)
    return REMEDIES.get(law_id, known.remedy if known is not None else "")


@dataclass(frozen=True)
class LoopVerdict:
    """The guard's word on one step of a loop.

    Attributes:
        step: number of the step, from 0.
        alarms: everything that is wrong.
        fresh: what was not heard before in this run, by law and level.

    >>> LoopVerdict(4, (), ()).stop
    False
    """

    step: int
    alarms: tuple[Alarm, ...]
    fresh: tuple[Alarm, ...]

    @property
    def level(self) -> Level:
        """The loudest level."""
        return max((alarm.level for alarm in self.alarms), key=LOUDNESS.index, default=Level.OK)

    @property
    def stop(self) -> bool:
        """Whether the loop should end here, before it applies the step."""
        return self.level in STOPS

    @property
    def laws(self) -> tuple[str, ...]:
        """Laws that are broken, the loudest first; a rule without a law by its name."""
        ordered = sorted(self.alarms, key=lambda alarm: -LOUDNESS.index(alarm.level))
        return tuple(dict.fromkeys(alarm.law for alarm in ordered))

    @property
    def message(self) -> str:
        """Level, step, law, numbers and what to do, one line an alarm; empty when all is well."""
        return "\n".join(self.sentence(alarm) for alarm in self.alarms)

    def sentence(self, alarm: Alarm) -> str:
        """One alarm of this step in words."""
        word = "stop" if alarm.level in STOPS else "warning"
        return f"{word} at step {self.step}, {alarm.law}: {alarm.message}. {remedy_of(alarm.law)}".strip()

    def __str__(self) -> str:
        return self.message or f"step {self.step}: all is well"
