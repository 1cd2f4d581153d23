"""What a checker said of a run, as lines of JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LEVELS = ("warning", "error")


@dataclass(frozen=True)
class SaidAlarm:
    """One thing that was said.

    Attributes:
        kind: what was found, the same in every run in which the same is found.
        level: one of `LEVELS`; what a checker calls information is no alarm.
        step: of the loop, at which it could first be heard; None after the run.
        text: what it says.
    """

    kind: str
    level: str
    step: int | None
    text: str = ""


@dataclass(frozen=True)
class Heard:
    """All that a checker said of a run.

    Attributes:
        tool: the checker.
        run: name of the run.
        alarms: the first of each kind.
        seconds: of the judging, beside or after the loop.
        note: why it said nothing, where it could not judge.
    """

    tool: str
    run: str
    alarms: tuple[SaidAlarm, ...]
    seconds: float
    note: str = ""


def append(file: Path, heard: Heard) -> None:
    """One line more."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(heard)) + "\n")


def read(files: Iterable[Path]) -> list[Heard]:
    """All lines of some files; of a run that a checker judged twice the later word."""
    found: dict[tuple[str, str], Heard] = {}
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            one: dict[str, Any] = json.loads(line)
            alarms = tuple(SaidAlarm(**alarm) for alarm in one.pop("alarms"))
            heard = Heard(alarms=alarms, **one)
            found[heard.tool, heard.run] = heard
    return list(found.values())


def first_of_each(alarms: Iterable[SaidAlarm]) -> tuple[SaidAlarm, ...]:
    """The first alarm of each kind and level."""
    found: dict[tuple[str, str], SaidAlarm] = {}
    for alarm in alarms:
        found.setdefault((alarm.kind, alarm.level), alarm)
    return tuple(found.values())


def runs_heard(file: Path) -> set[str]:
    """Runs that a file has already; a study that was ended early goes on after them."""
    return {heard.run for heard in read([file])} if file.is_file() else set()
