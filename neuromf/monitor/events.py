"""What happened in a run besides its steps, one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from neuromf.errors import InputError

LEVELS = ("halt", "warn", "info")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        step: optimiser step at which it happened.
        level: `info`, `warn` or `halt`.
        law: id of the law concerned, empty when none.
        message: one sentence.
        value: what was judged, with its unit; empty where nothing was.
        bound: what it was held against.
        rank: process it concerns, None for a number that all share.
        fine: laws judged in the same step that held.
    """

    step: int
    level: str
    law: str
    message: str
    value: str = ""
    bound: str = ""
    rank: int | None = None
    fine: list[str] = field(default_factory=list)


def append_event(path: Path, event: Event) -> None:
    """Append one event to `events.jsonl`."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(event)) + "\n")


def drop_events(path: Path, first_step: int) -> None:
    """Forget events of steps that a resumed run will make again, save those about the resume itself (law CKPT-001)."""
    kept = [event for event in read_events(path) if event.step < first_step or event.law == "CKPT-001"]
    if path.exists():  # whole or not at all: a kill in between must not cost the log
        staging = path.with_suffix(".tmp")
        staging.write_text("".join(json.dumps(asdict(event)) + "\n" for event in kept), encoding="utf-8")
        staging.replace(path)


def read_events(path: Path) -> list[Event]:
    """Every event of a run, oldest first; none when nothing happened.

    A last line that a kill or a full disk cut short is left out: what it told of is told again after the resume.

    Raises:
        InputError: the file is no event log.
    """
    if not path.exists():
        return []
    try:
        *lines, tail = path.read_text(encoding="utf-8").split("\n")
        if not tail.startswith("{"):
            lines += [tail] if tail else []
        return [parse_event(line) for line in lines]
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"not an event log ({error})", remedy="move the file away", file=path) from error


def parse_event(line: str) -> Event:
    """One line of a log.

    Raises:
        ValueError: it is no JSON, or holds what JSON can and an event cannot.
        TypeError: it is no event's JSON.
        RecursionError: it nests too deep.
    """
    event = Event(**json.loads(line))
    if type(event.step) is not int or not abs(event.step) < 2**63 or event.level not in LEVELS:
        raise ValueError(f"step {event.step!r} with level {event.level!r}")
    if not all(isinstance(text, str) for text in (event.law, event.message, event.value, event.bound, *event.fine)):
        raise ValueError("law, message, value, bound and the laws that held must be text")
    if event.rank is not None and type(event.rank) is not int:
        raise ValueError(f"rank {event.rank!r}")
    return event
