"""The verdict on a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from neuromf.diagnosis.diagnosis import Suspect
from neuromf.diagnosis.logs.blindness import Blindness
from neuromf.diagnosis.logs.levels import Levels
from neuromf.diagnosis.logs.watched import Watched
from neuromf.logs.log import RunLog


class Health(StrEnum):
    """What a log shows."""

    HEALTHY = "healthy"
    ALARMS = "alarms"
    CANNOT_TELL = "cannot tell"


EXIT_CODES = {Health.HEALTHY: 0, Health.CANNOT_TELL: 3, Health.ALARMS: 1}
"""Of one log; of several the last one in this order that any has."""


@dataclass(frozen=True)
class LogAlarm:
    """Something that is wrong.

    Attributes:
        law: id of the law about it.
        step: where on the log's axis it was first heard.
        stops: whether it would have ended the run.
        says: one sentence.
        since: where it began, as far as the log shows.
    """

    law: str
    step: float
    stops: bool
    says: str
    since: float


@dataclass(frozen=True)
class Saving:
    """What a halt would have saved.

    Attributes:
        share: of the run that the log shows, 0..1.
        steps: on the log's axis.
        hours: by the log's clock; None where it has none.
    """

    share: float
    steps: float
    hours: float | None


@dataclass(frozen=True, kw_only=True)
class LogVerdict:
    """What a log says.

    Attributes:
        log: the log.
        losses: which columns were judged, and which was watched.
        levels: what the guard was shown; None where there was too little.
        alarms: what is wrong, the earliest first.
        blind: why the watched loss could not show it; None where it could.
        saving: what the first rule that stops would have saved; None where none does.
        suspects: causes, the likeliest first.
        doubts: why a log without an alarm is not called healthy.
        notes: what a reader should know of how it was read and judged.
        next_time: what to log the next time.
    """

    log: RunLog
    losses: Watched
    levels: Levels | None
    alarms: Sequence[LogAlarm]
    blind: Blindness | None
    saving: Saving | None
    suspects: Sequence[Suspect]
    doubts: Sequence[str]
    notes: Sequence[str]
    next_time: Sequence[str]

    @property
    def health(self) -> Health:
        """Alarms, or nothing wrong, or too little to tell."""
        if self.alarms:
            return Health.ALARMS
        return Health.CANNOT_TELL if self.doubts else Health.HEALTHY

    @property
    def stop(self) -> LogAlarm | None:
        """The first alarm that would have ended the run."""
        return next((alarm for alarm in self.alarms if alarm.stops), None)

    @property
    def since(self) -> float | None:
        """Where it began, as far as the log shows; None where nothing is wrong."""
        return min((alarm.since for alarm in self.alarms), default=None)


def worst(verdicts: Sequence[LogVerdict]) -> int:
    """The exit code of several verdicts."""
    order = list(EXIT_CODES)
    return EXIT_CODES[max((verdict.health for verdict in verdicts), key=order.index)]
