"""The events of a run grouped by law, one entry per law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuromf_spec.registry import Law, laws

from neuromf.monitor.events import LEVELS, Event
from neuromf.report.run_facts import ChartedRun
from neuromf.watch.event_log import HALT

COLOURS = {"halt": "block", "warn": "warn", "info": "info"}
"""Class of the page that colours a level."""


@dataclass(frozen=True)
class LawEvents:
    """What a run says about one law.

    Attributes:
        run: its name.
        toggle: class by which the page hides it.
        law_id: of the law, empty for events that concern none.
        law: its entry, None where this version knows no such law.
        level: the gravest.
        colour: class that shows it.
        first: the first event of that level.
        count: events about the law.
    """

    run: str
    toggle: str
    law_id: str
    law: Law | None
    level: str
    colour: str
    first: Event
    count: int


def law_events(runs: Sequence[ChartedRun]) -> list[LawEvents]:
    """Entries of all runs, the gravest first, then by step."""
    entries = [_entry(run, law_id) for run in runs for law_id in dict.fromkeys(event.law for event in run.events)]
    return sorted(entries, key=lambda entry: (LEVELS.index(entry.first.level), entry.first.step))


def cited_laws(entries: Sequence[LawEvents]) -> list[Law]:
    """The laws that the entries concern, in the registry's order."""
    cited = {entry.law_id for entry in entries}
    return [law for law in laws().values() if law.id in cited]


def _entry(run: ChartedRun, law_id: str) -> LawEvents:
    events = [event for event in run.events if event.law == law_id]
    first = min(events, key=lambda event: LEVELS.index(event.level))  # the oldest of the gravest
    level = "halt" if first.level == HALT else first.level
    law = laws().get(law_id)
    return LawEvents(run.name, run.toggle, law_id, law, level, COLOURS[level], first, len(events))
