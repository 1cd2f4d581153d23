"""Reads the event log of a run that may be writing to it at this moment."""

from __future__ import annotations

from pathlib import Path

from neuromf.errors import InputError
from neuromf.monitor.events import Event, parse_event

HALT = "halt"
"""The level that ends a run."""


def whole_events(path: Path) -> list[Event]:
    """Every event whose line is complete, oldest first; none when there is no file.

    Raises:
        InputError: a line is not an event.
    """
    try:
        lines = path.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        return [parse_event(line) for line in lines]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"not an event log ({error})", remedy="move the file away", file=path) from error


def alarms(events: list[Event]) -> list[Event]:
    """The events that are warnings or halts."""
    return [event for event in events if event.level != "info"]
