"""A step that raised an alarm, run again from the same state: is it the mathematics, or the machine (law NUM-002)?"""

from __future__ import annotations

import math
from dataclasses import replace

from neuromf_spec.law import Finding
from neuromf_spec.laws.silent_faults import step_repeats

from neuromf.monitor.guard.alarm import Alarm, Level, Verdict, alarm_of

RERUN_RTOL = 1e-3
"""Relative difference borne where kernels need not be deterministic: a thousand times the noise of the golden cases,
1e-6, and a hundredth of what an alarm is about."""

COUNTS = ("grad_zeros", "saturated")
"""Readings that jump by whole entries, whatever the bound: compared only where kernels repeat themselves."""


def judge_rerun(
    verdict: Verdict, first: dict[str, float], again: dict[str, float], finite: tuple[bool, ...], deterministic: bool
) -> Verdict:
    """The verdict, with what the rerun adds to it.

    Args:
        verdict: with an alarm that was not heard before.
        first: readings of the step.
        again: readings of the same step, run again.
        finite: by rank, whether its own numbers were finite.
        deterministic: whether the run asked for kernels that repeat themselves bit for bit.
    """
    bound = 0.0 if deterministic else RERUN_RTOL
    compared = [name for name in first if deterministic or name not in COUNTS]
    differing = [name for name in compared if not _same(first[name], again[name], bound)]
    finding = step_repeats(differing=differing)
    if not finding.passed:
        return _irreproducible(verdict, finding)
    return Verdict(
        tuple(_told(alarm, finite) for alarm in verdict.alarms), tuple(_told(alarm, finite) for alarm in verdict.fresh)
    )


def irreproducible_elsewhere(verdict: Verdict) -> Verdict:
    """The verdict of a rank whose own numbers repeated themselves while another's did not: all end alike."""
    return _irreproducible(verdict, step_repeats(differing=["numbers of another rank"]))


def _irreproducible(verdict: Verdict, finding: Finding) -> Verdict:
    alarm = alarm_of("NUM-002", Level.IRREPRODUCIBLE, finding)
    return Verdict((*verdict.alarms, alarm), (*verdict.fresh, alarm))


def _told(alarm: Alarm, finite: tuple[bool, ...]) -> Alarm:
    rank = finite.index(False) if alarm.level is Level.NONFINITE and False in finite else None
    return replace(
        alarm, message=f"{alarm.message}; not by chance: the step was run again and gave the same numbers", rank=rank
    )


def _same(first: float, again: float, bound: float) -> bool:
    if math.isnan(first) or math.isnan(again):
        return math.isnan(first) and math.isnan(again)
    return first == again or abs(again - first) <= bound * abs(first)
