"""A step that raised an alarm, run again from the same state: is it the mathematics, or the machine (law NUM-002)?"""

from __future__ import annotations

import math
from dataclasses import replace

from neuromf.monitor.alarm import Alarm, Level, Verdict, alarm_of
from spec.laws.silent_faults import step_repeats

LOOSE = 1e-3
"""Relative difference borne where kernels need not be deterministic: a thousand times the noise of the golden cases,
1e-6, and a hundredth of what an alarm is about."""


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
    bound = 0.0 if deterministic else LOOSE
    differing = [name for name in first if not _same(first[name], again[name], bound)]
    finding = step_repeats(differing=differing)
    if not finding.passed:
        alarm = alarm_of("NUM-002", Level.IRREPRODUCIBLE, finding)
        return Verdict((*verdict.alarms, alarm), (*verdict.fresh, alarm))
    return Verdict(
        tuple(_told(alarm, finite) for alarm in verdict.alarms), tuple(_told(alarm, finite) for alarm in verdict.fresh)
    )


def _told(alarm: Alarm, finite: tuple[bool, ...]) -> Alarm:
    rank = finite.index(False) if alarm.level is Level.NONFINITE and False in finite else None
    return replace(alarm, message=f"{alarm.message}; run again, the step gives the same numbers", rank=rank)


def _same(first: float, again: float, bound: float) -> bool:
    if math.isnan(first) or math.isnan(again):
        return math.isnan(first) and math.isnan(again)
    return first == again or abs(again - first) <= bound * abs(first)
