"""What the guard sees of a step, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from neuromf_spec.law import Finding
from neuromf_spec.registry import law


class Level(StrEnum):
    """How loud an alarm is; the text is what an event carries."""

    OK = "ok"
    WARN = "warn"
    HALT = "halt"
    NONFINITE = "nonfinite"
    IRREPRODUCIBLE = "irreproducible"


LOUDNESS = tuple(Level)
"""Levels from quiet to loud."""


@dataclass(frozen=True)
class RawLosses:
    """One step's raw losses, over all ranks, squared latent per dim.

    Attributes:
        total: all terms added.
        flow: of FM samples, None in a step without one.
        meanflow: of MF samples, None in a step without one.
        gradient_norm: before the clip.
    """

    total: float
    flow: float | None = None
    meanflow: float | None = None
    gradient_norm: float = 0.0


@dataclass(frozen=True)
class Alarm:
    """One rule's word on one step.

    Attributes:
        law: id of the law that is broken.
        level: what follows.
        value: what was judged, with its unit.
        bound: what it was held against.
        message: one sentence.
        rank: process it concerns, None for a number that all ranks share.
    """

    law: str
    level: Level
    value: str
    bound: str
    message: str
    rank: int | None = None


def alarm_of(law_id: str, level: Level, finding: Finding, rank: int | None = None) -> Alarm:
    """A broken law as an alarm, in the registry's words."""
    value = f"{_shown(finding.value)} {finding.unit}".strip()
    detail = f"; {finding.detail}" if finding.detail else ""
    message = f"broken: {law(law_id).title} ({value}, bound {finding.bound}{detail})"
    return Alarm(law_id, level, value, finding.bound, message, rank)


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


@dataclass(frozen=True)
class Verdict:
    """The guard's word on one step: its alarms, the loudest of which decides.

    Attributes:
        alarms: every rule that is broken.
        fresh: those heard for the first time in this run.
    """

    alarms: tuple[Alarm, ...] = ()
    fresh: tuple[Alarm, ...] = ()

    @property
    def level(self) -> Level:
        """The loudest level."""
        return max((alarm.level for alarm in self.alarms), key=LOUDNESS.index, default=Level.OK)

    @property
    def message(self) -> str:
        """The sentence of the first alarm of that level; empty when all is well."""
        return next((alarm.message for alarm in self.alarms if alarm.level is self.level), "")
