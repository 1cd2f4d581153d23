"""A verdict on a log in words."""

from __future__ import annotations

from collections.abc import Iterator

from neuromf.counted import counted
from neuromf.diagnosis.logs.verdict import Health, LogVerdict
from neuromf.readable import printable

HEADLINES = {
    Health.HEALTHY: "HEALTHY: no rule speaks",
    Health.ALARMS: "ALARMS",
    Health.CANNOT_TELL: "CANNOT TELL",
}
MOST_ALARMS = 6


def told(verdict: LogVerdict) -> Iterator[str]:
    """Lines for a reader: is something wrong, since when, who could have seen it, what would have stopped it."""
    for line in _lines(verdict):
        yield printable(line)


def headline(verdict: LogVerdict) -> str:
    """The answer in one line."""
    axis, since = verdict.log.axis, verdict.since
    text = HEADLINES[verdict.health]
    if since is not None:
        laws = ", ".join(dict.fromkeys(alarm.law for alarm in verdict.alarms))
        text += f" since {axis} {since:,.0f} ({laws})"
    if verdict.doubts:
        text += f": {verdict.doubts[0]}"
    return f"{verdict.log.name}: {text}"


def _lines(verdict: LogVerdict) -> Iterator[str]:
    yield headline(verdict)
    yield f"  read: {read_as(verdict)}"
    for alarm in verdict.alarms[:MOST_ALARMS]:
        stops = "would stop" if alarm.stops else "warns"
        yield f"  {verdict.log.axis} {alarm.step:,.0f}, {alarm.law} {stops}: {alarm.says}"
    if len(verdict.alarms) > MOST_ALARMS:
        yield f"  and {counted(len(verdict.alarms) - MOST_ALARMS, 'alarm')} more"
    if verdict.alarms:
        yield f"  saved by the first stop: {saved(verdict)}"
    yield f"  could it be seen: {seen(verdict)}"
    if verdict.alarms and not verdict.suspects:
        yield "  causes: nothing in the log points to one"


def advice(verdict: LogVerdict) -> Iterator[str]:
    """What else a reader should know, and what to log the next time."""
    for note in verdict.notes:
        yield printable(f"  note: {note}")
    if verdict.next_time:
        yield "  log next time:"
        for line in verdict.next_time:
            yield f"    - {line}"


def read_as(verdict: LogVerdict) -> str:
    """How the log was read, in a line."""
    log = verdict.log
    points = 0 if verdict.losses.loss is None else len(verdict.losses.loss.steps)
    span = f"{log.axis} {log.first:,.0f} to {log.last:,.0f}"
    return f"{log.form}, {counted(len(log.columns), 'column')}, {span}, {counted(points, 'point')} of the judged loss"


def seen(verdict: LogVerdict) -> str:
    """Whether the watched loss could have shown what happened."""
    if verdict.losses.loss is None:
        return "no loss was recognised"
    if verdict.blind is None:
        return f"yes, {verdict.losses.shown} moves with what is judged"
    return f"no, {verdict.blind.says} ({verdict.blind.law})"


def saved(verdict: LogVerdict) -> str:
    """What the first rule that stops would have saved."""
    if verdict.saving is None:
        return "nothing, no rule stops a run for it"
    hours = "" if verdict.saving.hours is None else f", {verdict.saving.hours:,.2g} hours"
    return f"{100 * verdict.saving.share:.0f} % of what the log shows{hours}"
