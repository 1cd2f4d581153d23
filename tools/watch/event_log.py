"""The events of a run that may be writing one at this moment."""

from __future__ import annotations

import json
from pathlib import Path

from neuromf.errors import InputError
from neuromf.monitor.events import Event

HALT = "halt"
"""The level that ends a run."""
LEVELS = (HALT, "warn", "info")


def whole_events(path: Path) -> list[Event]:
    """Every event whose line is complete, oldest first; none when there is no file.

    Raises:
        InputError: a line is not an event.
    """
    try:
        lines = path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        events = [Event(**json.loads(line)) for line in lines]
        for event in events:
            _check(event)
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"not an event log ({error})", remedy="move the file away", file=path) from error
    return events


def alarms(events: list[Event]) -> list[Event]:
    """The events that are warnings or halts."""
    return [event for event in events if event.level != "info"]


def _check(event: Event) -> None:
    """Refuse what JSON can hold and an event cannot."""
    if type(event.step) is not int or event.level not in LEVELS:
        raise ValueError(f"step {event.step!r} with level {event.level!r}")
    if not all(isinstance(text, str) for text in (event.law, event.message, event.value, event.bound)):
        raise ValueError("law, message, value and bound must be text")
