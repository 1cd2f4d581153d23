"""What happened in a run besides its steps, one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        step: optimiser step at which it happened.
        level: `info`, `warn` or `halt`.
        law: id of the law concerned, empty when none.
        message: one sentence.
    """

    step: int
    level: str
    law: str
    message: str


def append_event(path: Path, event: Event) -> None:
    """Append one event to `events.jsonl`."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(event)) + "\n")


def read_events(path: Path) -> list[Event]:
    """Every event of a run, oldest first; none when nothing happened."""
    if not path.exists():
        return []
    return [Event(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
