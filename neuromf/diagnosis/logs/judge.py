"""From a log to a verdict: the guard is shown its losses, and the causes are weighed where something is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from neuromf.diagnosis.causes import VISIBILITY_LAWS
from neuromf.diagnosis.logs.blindness import Blindness, blindness
from neuromf.diagnosis.logs.broken_numbers import BrokenNumber, broken_numbers
from neuromf.diagnosis.logs.doubts import doubts
from neuromf.diagnosis.logs.knowledge import RunKnowledge
from neuromf.diagnosis.logs.levels import Levels, levels_of
from neuromf.diagnosis.logs.next_time import next_time
from neuromf.diagnosis.logs.replayed_guard import heard_alarms, onset
from neuromf.diagnosis.logs.suspects import suspects_of
from neuromf.diagnosis.logs.verdict import LogAlarm, LogVerdict, Saving
from neuromf.diagnosis.logs.watched import Watched, watched
from neuromf.logs.log import RunLog
from neuromf.logs.quantities import VALIDATION, Recognised, quantities
from neuromf.readable import rounded

OVERFIT = 1.2
"""Validation loss at the end over its best, from which a reader is told."""
NOTHING_KNOWN = RunKnowledge()


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a log may hold any numbers
def judge_log(log: RunLog, said: Mapping[str, str] | None = None, known: RunKnowledge = NOTHING_KNOWN) -> LogVerdict:
    """Judge one log.

    Args:
        log: the log.
        said: what the user says that columns are, quantity -> column.
        known: what else is known of the run.

    Raises:
        InputError: the user names a column that the log does not have.
    """
    recognised = quantities(log, said)
    losses = watched(log, recognised)
    levels = levels_of(losses, log.axis)
    broken = broken_numbers(log, recognised)
    alarms = sorted(_alarms(log, losses, levels, broken, known), key=lambda alarm: (alarm.step, not alarm.stops))
    blind = _blind(losses)
    suspects = suspects_of(log, recognised, losses, levels, broken, alarms, known) if alarms else []
    return LogVerdict(
        log=log, losses=losses, levels=levels, alarms=alarms, blind=blind, saving=_saving(log, alarms),
        suspects=suspects, doubts=[] if alarms else list(doubts(log, losses, blind)),
        notes=[*log.notes, *losses.sentences, *_notes(log, recognised, levels, broken, known)],
        next_time=list(next_time(log, recognised, losses, blind)),
    )  # fmt: skip


def _blind(losses: Watched) -> Blindness | None:
    if losses.shown_loss is None:
        return None
    raw = losses.loss if losses.shown != losses.judged else None
    return blindness(losses.shown, losses.shown_loss, raw)


def _alarms(
    log: RunLog, losses: Watched, levels: Levels | None, broken: Sequence[BrokenNumber], known: RunKnowledge
) -> Iterator[LogAlarm]:
    # The monitor of a run of ours has judged every step of it; the guard of a loop knows nothing of onsets.
    judged = known.config is not None and bool(known.events)
    heard = [] if levels is None or judged else list(_heard(log, levels, known))
    told = {alarm.law for alarm in heard}
    for event in known.events:
        loud = event.level == "halt" or (event.level == "warn" and event.law not in VISIBILITY_LAWS)
        if loud and event.law not in told:
            yield LogAlarm(event.law, event.step, event.level == "halt", event.message, event.step)
    fatal = [number for number in broken if not number.borne]
    if fatal:
        first = fatal[0]
        yield LogAlarm("NUM-001", first.step, not first.recovers, first.says(log.axis), first.step)
    yield from heard


def _heard(log: RunLog, levels: Levels, known: RunKnowledge) -> Iterator[LogAlarm]:
    """What the guard of our trainings says of the levels, each with where it began."""
    for heard in heard_alarms(levels, known.config):
        began, best = onset(levels, heard.step)
        last = f"; it was at its best, {rounded(best, 4)}, and within twice that until {log.axis} {began:,.0f}"
        unit = " above its lowest level in units of its fall" if levels.shifted else ""
        yield LogAlarm(heard.alarm.law, heard.step, heard.stops, heard.alarm.message + unit + last, began)


def _saving(log: RunLog, alarms: Sequence[LogAlarm]) -> Saving | None:
    stop = next((alarm for alarm in alarms if alarm.stops), None)
    if stop is None:
        return None
    first = 0.0 if 0 <= log.first <= log.last else log.first  # a log that begins late is of a run that began at 0
    length = log.last + 1 - first
    hours = None
    if log.clock is not None:
        ended, then = (float(np.interp(at, log.clock.steps, log.clock.values)) for at in (log.last, stop.step))
        hours = (ended - then) / 3600
    return Saving((log.last - stop.step) / length, log.last - stop.step, hours)


def _notes(
    log: RunLog,
    recognised: Sequence[Recognised],
    levels: Levels | None,
    broken: Sequence[BrokenNumber],
    known: RunKnowledge,
) -> Iterator[str]:
    if levels is not None and levels.between:
        yield "Between recorded epochs the logarithm of the loss was taken to run straight."
    if levels is not None and levels.shifted:
        yield "The loss goes below zero; it was judged by how far it is above its lowest level."
    for number in broken:
        if number.borne:
            yield f"Borne: {number.says(log.axis)}. Where a loss is scaled for 16-bit numbers, such steps are left out."
    for found in recognised:
        if found.quantity == VALIDATION:
            yield from _overfitting(log, found.column)
    if known.not_understood:
        yield f"Not understood in {known.name}: {', '.join(known.not_understood[:8])}."


def _overfitting(log: RunLog, name: str) -> Iterator[str]:
    column = log.columns[name]
    if len(column.values) < 5 or not (np.isfinite(column.values).all() and (column.values > 0).all()):
        return
    best = int(column.values.argmin())
    last = float(column.values[-3:].min())
    if last > OVERFIT * column.values[best]:
        yield (
            f"{name} was lowest, {rounded(float(column.values[best]), 4)}, at {log.axis} {column.steps[best]:,.0f} "
            f"and is {rounded(last, 4)} or more at the end: the later weights are no better."
        )
