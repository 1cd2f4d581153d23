"""The findings of silent checks as alarms: by the laws of our own trainings, with names of parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from neuromf_spec.law import Finding
from neuromf_spec.registry import law

from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of

NAMED = 3
"""Parameters that a message names."""
LR_RTOL = 1e-6
"""Relative: a schedule in floats, computed in another order, is off by some 1e-16."""


def judged(law_id: str, names: Sequence[str] = (), **numbers: object) -> list[Alarm]:
    """A law's word on numbers, as a warning; empty where it holds."""
    finding = law(law_id).predicate(**numbers)
    if finding.passed:
        return []
    detail = "; ".join(part for part in (finding.detail, shown(names)) if part)
    return [alarm_of(law_id, Level.WARN, replace(finding, detail=detail))]


def shown(names: Sequence[str]) -> str:
    """The first of some names."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def never_moved(names: Sequence[str], trainable: int, steps: int) -> list[Alarm]:
    """Parameters that the optimiser holds and that have not moved at all (law OPT-002)."""
    if not names:
        return []
    detail = f"{shown(names)}; leave them out of the optimiser or name them in `idle`"
    value = f"{len(names)} of {trainable}"
    unit = f"parameters never moved in {steps} steps"
    return [alarm_of("OPT-002", Level.WARN, Finding(passed=False, value=value, bound="0", unit=unit, detail=detail))]


def no_update(steps: int, what: str) -> list[Alarm]:
    """Steps that left all weights where they were (law OPT-004)."""
    finding = Finding(passed=False, value=steps, bound="0", unit="steps in a row without an update", detail=what)
    return [alarm_of("OPT-004", Level.WARN, finding)]


def broken_weights(names: Sequence[str]) -> list[Alarm]:
    """Weights that are not finite after a step (law NUM-001)."""
    if not names:
        return []
    finding = Finding(passed=False, value=f"{len(names)} parameters", bound="finite", detail=shown(names))
    return [alarm_of("NUM-001", Level.NONFINITE, finding)]


def rate_off(rates: Sequence[float], expected: float, step: int) -> list[Alarm]:
    """Learning rates of groups against the schedule's (law LR-002)."""
    off = [rate for rate in rates if not math.isclose(rate, expected, rel_tol=LR_RTOL, abs_tol=1e-15)]
    if not off:
        return []
    detail = f"at update {step}, counted from 0"
    finding = Finding(passed=False, value=off[0], bound=f"= {expected:.6g}", unit="learning rate", detail=detail)
    return [alarm_of("LR-002", Level.WARN, finding)]


def evaluation_changed(names: Sequence[str], what: str) -> list[Alarm]:
    """Tensors that an evaluation changed (law EMA-003)."""
    if not names:
        return []
    value = f"{len(names)} {what}"
    finding = Finding(passed=False, value=value, bound="as before", detail=shown(names))
    return [alarm_of("EMA-003", Level.WARN, finding)]
