"""What a worker is told and says: a line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from neuromf.bisect.fleet.fleet import Answer, Numbered
from neuromf.bisect.oracles.table import answer
from neuromf.bisect.oracles.task import Task
from neuromf.bisect.records import outcome_of
from neuromf.errors import InputError


def reply(record: dict[str, Any]) -> dict[str, Any]:
    """Answer a task's record; bad input is told, not raised, for it must cross to another process."""
    number = record["number"]
    try:
        return {"number": number, "outcome": asdict(answer(Task.read(record["task"])))}
    except InputError as error:
        told = {"problem": error.problem, "remedy": error.remedy, "file": error.file, "key": error.key}
        return {"number": number, "refused": told}


def record_of(numbered: Numbered) -> dict[str, Any]:
    """A task as a record."""
    return {"number": numbered.number, "task": numbered.task.record()}


def answer_of(record: dict[str, Any]) -> Answer:
    """The answer of a reply.

    Raises:
        InputError: what the worker was refused.
    """
    if "refused" in record:
        told = record["refused"]
        raise InputError(told["problem"], remedy=told["remedy"], file=told["file"], key=told["key"])
    return Answer(int(record["number"]), outcome_of(record["outcome"]))


def line(record: dict[str, Any]) -> bytes:
    """A record as a line."""
    return json.dumps(record).encode() + b"\n"
