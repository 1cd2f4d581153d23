"""The guard's rules as columns of a table, and what each said of a run first."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan

from neuromf_spec.registry import law

from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard

SIMULATED = (
    "GUARD-001 warn",
    "GUARD-004 warn",
    "GUARD-005 warn",
    "GUARD-001 halt",
    "GUARD-004 halt",
    "GUARD-005 halt",
)
"""Law and level of the rules that a curve of totals can break."""
REAL = (*SIMULATED[:3], "GUARD-006 warn", "JVP-006 warn", *SIMULATED[3:], "NUM-001 nonfinite")
"""Those that a real training can break."""
LONGER = (*SIMULATED[:3], "GUARD-006 warn", *SIMULATED[3:])
"""Those that epochs' medians can break."""


def is_warning(rule: str) -> bool:
    """Whether a rule lets the run go on."""
    return rule.endswith(" warn")


def first_alarms(guard: DivergenceGuard, steps: Iterable[RawLosses]) -> dict[str, int]:
    """Step, from 0, at which each rule first speaks; the steps after a halt are not judged.

    Args:
        guard: a fresh one.
        steps: raw losses of each step.
    """
    heard: dict[str, int] = {}
    for step, losses in enumerate(steps):
        verdict = guard.observe(losses)
        for alarm in verdict.fresh:
            heard.setdefault(f"{alarm.law} {alarm.level}", step)
        if verdict.level in (Level.HALT, Level.NONFINITE):
            break
    return heard


def first_correction(rho: Iterable[float]) -> dict[str, int]:
    """Step at which the running trainer first warns of du/dt (law JVP-006); NaN is a step that has none."""
    predicate = law("JVP-006").predicate
    broken = (step for step, value in enumerate(rho) if not isnan(value) and not predicate(rho=value).passed)
    first = next(broken, None)
    return {} if first is None else {"JVP-006 warn": first}
