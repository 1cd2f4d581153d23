"""Verdicts on logs as a JSON document (`neuromf diagnose --json`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from neuromf import __version__
from neuromf.diagnosis.logs.verdict import LogVerdict, worst

SCHEMA = 1
"""Number of the document's form; it grows when a key changes its meaning."""


def log_document(verdicts: Sequence[LogVerdict]) -> dict[str, Any]:
    """Everything that the screen says, of each run."""
    return {"schema": SCHEMA, "neuromf": __version__, "exit_code": worst(verdicts), "runs": [_run(v) for v in verdicts]}


def _run(verdict: LogVerdict) -> dict[str, Any]:
    log, losses = verdict.log, verdict.losses
    return {
        "name": log.name,
        "form": log.form,
        "axis": {"counts": log.axis, "column": log.axis_source, "first": log.first, "last": log.last},
        "columns": {name: {"source": c.source, "points": len(c.steps)} for name, c in log.columns.items()},
        "judged": losses.judged,
        "watched": losses.shown,
        "health": verdict.health.value,
        "since": verdict.since,
        "alarms": [asdict(alarm) for alarm in verdict.alarms],
        "could_be_seen": verdict.blind is None and losses.loss is not None,
        "blind": None if verdict.blind is None else asdict(verdict.blind),
        "stopped_at": None if verdict.stop is None else verdict.stop.step,
        "saving": None if verdict.saving is None else asdict(verdict.saving),
        "suspects": [asdict(suspect) for suspect in verdict.suspects],
        "doubts": list(verdict.doubts),
        "notes": list(verdict.notes),
        "log_next_time": list(verdict.next_time),
    }
