"""`law:ID`: does the mixture break this law on paper? No training, and no noise."""

from __future__ import annotations

from neuromf.errors import InputError
from tools.bisect.oracle import Outcome, Verdict
from tools.bisect.oracles.task import Task
from tools.gate.static import CHECKS, static_findings


def check_law(law_id: str) -> None:
    """Refuse what no configuration can be judged by."""
    if law_id not in CHECKS:
        remedy = f"use one of {', '.join(sorted(CHECKS))}"
        raise InputError(f"'{law_id}' is no law that a configuration alone can break", remedy=remedy, key="--oracle")


def law(task: Task, law_id: str) -> Outcome:
    """Judge the mixture by the law's predicate."""
    result = next(r for r in static_findings(task.mixture, {}) if r.law_id == law_id)
    broken = result.status in ("block", "warn")
    detail = f"{result.value} {result.unit}, bound {result.bound}"
    return Outcome(Verdict.BROKEN if broken else Verdict.HEALTHY, detail=detail)
