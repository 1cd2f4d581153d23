"""The lines of a journal: JSON objects with the keys that the dataclasses name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from neuromf.bisect.oracle import Outcome, Probe, Purpose, Verdict

FORMAT = 1


def header_record(question: dict[str, Any]) -> dict[str, Any]:
    """First line: what is asked."""
    return {"event": "question", "format": FORMAT, **question}


def started_record(probe: Probe, keys: tuple[str, ...]) -> dict[str, Any]:
    """A probe that begins; `keys` are the names of its deltas, for readers."""
    return {"event": "started", **asdict(probe), "keys": list(keys)}


def finished_record(probe: Probe, outcome: Outcome) -> dict[str, Any]:
    """A probe that has ended."""
    return {"event": "finished", "index": probe.index, **asdict(outcome)}


def probe_of(record: dict[str, Any]) -> Probe:
    """The probe of a "started" line; KeyError, TypeError or ValueError when it is none."""
    numbers = {name: _whole(record[name]) for name in ("index", "subset", "seed", "universe", "candidate")}
    return Probe(purpose=Purpose(record["purpose"]), **numbers)


def outcome_of(record: dict[str, Any]) -> Outcome:
    """The outcome of a "finished" line; KeyError, TypeError or ValueError when it is none."""
    return Outcome(Verdict(record["verdict"]), float(record["cost"]), str(record["detail"]))


def line_of(record: dict[str, Any]) -> bytes:
    """A record as its line."""
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def _whole(value: Any) -> int:  # noqa: ANN401
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value
