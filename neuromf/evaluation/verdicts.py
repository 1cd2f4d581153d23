"""The laws on samples, each judged at both ends of its interval: what both ends agree on is known."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

import numpy as np
from neuromf_spec.law import Finding, Law
from neuromf_spec.laws.evaluation import LEAST_SUBJECTS
from neuromf_spec.registry import law

from neuromf.counted import counted
from neuromf.evaluation.measures import Sides
from neuromf.evaluation.metrics.bootstrap import Interval
from neuromf.evaluation.result import Judged, LawVerdict
from neuromf.evaluation.rows import TRAINING, Material, Measured
from neuromf.gate.result import format_value

GRAVEST = (Judged.BROKEN, Judged.CANNOT_TELL, Judged.HOLDS)
Numbers = Mapping[str, Interval]
"""By the predicate's argument; an interval of no width is known exactly."""


@np.errstate(invalid="ignore", over="ignore")  # of samples that are not finite, which EVAL-001 names
def judge_samples(material: Material, measured: Measured, seed: int) -> list[LawVerdict]:
    """The worst verdict of each law, over the numbers of evaluations that it can judge."""
    by_law: dict[str, list[LawVerdict]] = {}
    for verdict in _verdicts(material, measured, seed):
        by_law.setdefault(verdict.law_id, []).append(verdict)
    return [min(found, key=lambda verdict: GRAVEST.index(verdict.judged)) for _, found in sorted(by_law.items())]


def _verdicts(material: Material, measured: Measured, seed: int) -> Iterator[LawVerdict]:
    """Of every law, for each number of evaluations that has its numbers, the fewest first."""
    subjects = len(material.held_out.units)
    for steps, population in material.samples.items():
        yield judge("EVAL-001", _range(material, steps), steps)
        near = measured.nearness[steps]
        copies = exactly(len(near.copies) / len(near.ratios))
        numbers = {"nearness": near.measures["copying"], "copies": copies}
        yield judge("EVAL-004", numbers, steps, good_high={"nearness"}, subjects=subjects)
        if population.described is not None:
            found = measured.row(steps).measures
            numbers = {"diversity": found["diversity"], "spread": found["spread"]}
            yield judge("EVAL-003", numbers, steps, good_high=set(numbers), subjects=subjects)
    if len(material.samples) > 1:
        numbers = {"ratio": one_over_many(material, measured, seed)}
        yield judge("EVAL-002", numbers, min(material.samples), subjects=subjects)


def _range(material: Material, steps: int) -> Numbers:
    latents = material.normalised[steps]
    return {
        "not_finite": exactly(float((~np.isfinite(latents)).sum())),
        "largest": exactly(float(np.abs(latents).max())),
        "real": exactly(float(np.abs(material.held_out_normalised).max())),
    }


def one_over_many(material: Material, measured: Measured, seed: int) -> Interval:
    """Sliced Wasserstein distance of samples in fewest evaluations over that in most, noise and scans the same.

    Where samples in most evaluations lie as near as training scans do, nothing nearer can be asked for: the distance
    of training scans stands in for theirs.
    """
    fewest, most = min(material.samples), max(material.samples)
    one, many = (measured.latents.sliced(material.samples[steps]) for steps in (fewest, most))
    trained = next(row for row in measured.rows if row.name == TRAINING)
    floor = trained.measures["sliced_wasserstein"].value / 1000
    sides = Sides(material.samples[fewest].units, material.held_out.units, seed)
    return sides.interval(lambda a, b: one(a, b) / max(many(a, b), floor))


def exactly(value: float) -> Interval:
    """A number that no resample would move."""
    return Interval(value, value, value)


def judge(
    law_id: str, numbers: Numbers, evaluations: int, *, good_high: Collection[str] = (), subjects: int | None = None
) -> LawVerdict:
    """What a law says of numbers that are known within intervals.

    Args:
        law_id: of the law.
        numbers: that it judges.
        evaluations: of the samples.
        good_high: arguments of which a large number is good.
        subjects: held-out subjects that the numbers rest on; None where they rest on none.
    """
    entry = law(law_id)
    best, worst = (_at_the_end(entry, numbers, good_high, good=good) for good in (True, False))
    few = subjects is not None and subjects < LEAST_SUBJECTS
    known = best.passed == worst.passed and not few
    judged = (Judged.HOLDS if worst.passed else Judged.BROKEN) if known else Judged.CANNOT_TELL
    detail = {Judged.HOLDS: worst.detail, Judged.BROKEN: best.detail, Judged.CANNOT_TELL: _why_not(subjects, few)}
    at_value = entry.predicate(**{name: number.value for name, number in numbers.items()})
    return LawVerdict(
        entry.id, entry.title, judged, evaluations, _found(numbers, at_value), at_value.bound, detail[judged],
        entry.remedy if judged is Judged.BROKEN else "",
    )  # fmt: skip


def _at_the_end(entry: Law, numbers: Numbers, good_high: Collection[str], *, good: bool) -> Finding:
    """The predicate at the end of each interval that speaks most for the samples, or most against them."""
    chosen = {}
    for name, number in numbers.items():
        known = math.isfinite(number.low) and math.isfinite(number.high)
        ends = (number.low, number.high) if known else (number.value, number.value)
        chosen[name] = ends[1] if good == (name in good_high) else ends[0]
    return entry.predicate(**chosen)


def _found(numbers: Numbers, finding: Finding) -> str:
    """The numbers with their intervals; of numbers that are known exactly what the predicate makes of them."""
    if all(number.low == number.high for number in numbers.values()):
        return f"{format_value(finding.value)} {finding.unit}".strip()
    parts = []
    for name, number in numbers.items():
        span = "" if number.low == number.high else f" [{number.low:.3g} to {number.high:.3g}]"
        parts.append(f"{name} {number.value:.3g}{span}")
    return ", ".join(parts)


def _why_not(subjects: int | None, few: bool) -> str:
    if few:
        return f"{counted(subjects or 0, 'held-out subject')} are too few for an interval; {LEAST_SUBJECTS} would do"
    return "the bound lies within the interval; more samples or more held-out scans would tell"
