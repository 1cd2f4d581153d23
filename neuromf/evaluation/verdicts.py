"""The laws on samples, each judged at both ends of its interval: what both ends agree on is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from neuromf_spec.law import Finding
from neuromf_spec.laws.evaluation import LEAST_SUBJECTS
from neuromf_spec.registry import law

from neuromf.counted import counted
from neuromf.evaluation.measures import Sides, SlicedDistance, projections
from neuromf.evaluation.metrics.bootstrap import Interval
from neuromf.evaluation.result import Judged, LawVerdict
from neuromf.evaluation.rows import TRAINING, Material, Measured
from neuromf.gate.result import format_value


GRAVEST = (Judged.BROKEN, Judged.CANNOT_TELL, Judged.HOLDS)


@dataclass(frozen=True)
class Reading:
    """Numbers that a law judges, with their intervals.

    Attributes:
        law_id: of the law.
        evaluations: of the samples.
        numbers: by the predicate's argument; an interval of no width is known exactly.
        good_high: arguments of which a large number is good.
        needs_subjects: whether it rests on a comparison with held-out subjects.
    """

    law_id: str
    evaluations: int
    numbers: Mapping[str, Interval]
    good_high: frozenset[str]
    needs_subjects: bool = True


@np.errstate(invalid="ignore", over="ignore")  # of samples that are not finite, which EVAL-001 names
def judge_samples(material: Material, measured: Measured, seed: int) -> list[LawVerdict]:
    """The worst verdict of each law, over the numbers of evaluations that it can judge."""
    subjects = len(material.held_out.units)
    verdicts = [_judge(reading, subjects) for reading in _readings(material, measured, seed)]
    by_law = {verdict.law_id: [one for one in verdicts if one.law_id == verdict.law_id] for verdict in verdicts}
    return [min(found, key=lambda verdict: GRAVEST.index(verdict.judged)) for _, found in sorted(by_law.items())]


def _readings(material: Material, measured: Measured, seed: int) -> list[Reading]:
    """Numbers for every law, for each number of evaluations that has them, the fewest first."""
    readings = []
    for steps, population in material.samples.items():
        readings += [_range(material, steps), _copies(measured, steps)]
        if population.described is not None:
            found = measured.row(steps).measures
            differ = {"diversity": found["diversity"], "spread": found["spread"]}
            readings.append(Reading("EVAL-003", steps, differ, frozenset(differ)))
    if len(material.samples) > 1:
        ratio = one_over_many(material, measured, seed)
        readings.append(Reading("EVAL-002", min(material.samples), {"ratio": ratio}, frozenset()))
    return readings


def _range(material: Material, steps: int) -> Reading:
    latents = material.normalised[steps]
    values = {
        "not_finite": float((~np.isfinite(latents)).sum()),
        "largest": float(np.abs(latents).max()),
        "real": float(np.abs(material.held_out_normalised).max()),
    }
    exact = {name: Interval(value, value, value) for name, value in values.items()}
    return Reading("EVAL-001", steps, exact, frozenset(), needs_subjects=False)


def _copies(measured: Measured, steps: int) -> Reading:
    near = measured.nearness[steps]
    share = len(near.copies) / len(near.ratios)
    numbers = {"nearness": near.measures["copying"], "copies": Interval(share, share, share)}
    return Reading("EVAL-004", steps, numbers, frozenset({"nearness"}))


def one_over_many(material: Material, measured: Measured, seed: int) -> Interval:
    """Sliced Wasserstein distance of samples in fewest evaluations over that in most, noise and scans the same.

    Where samples in most evaluations lie as near as training scans do, nothing nearer can be asked for: the distance
    of training scans stands in for theirs.
    """
    fewest, most = min(material.samples), max(material.samples)
    real = projections(material.held_out.latents, seed)
    one, many = (SlicedDistance(projections(material.samples[steps].latents, seed), real) for steps in (fewest, most))
    trained = next(row for row in measured.rows if row.name == TRAINING)
    floor = trained.measures["sliced_wasserstein"].value / 1000
    sides = Sides(material.samples[fewest].units, material.held_out.units, seed)
    return sides.interval(lambda a, b: one(a, b) / max(many(a, b), floor))


def _judge(reading: Reading, subjects: int) -> LawVerdict:
    entry = law(reading.law_id)
    at_value = entry.predicate(**{name: number.value for name, number in reading.numbers.items()})
    best, worst = (_at(reading, entry.predicate, good=good) for good in (True, False))
    known = best.passed == worst.passed and not (reading.needs_subjects and subjects < LEAST_SUBJECTS)
    judged = (Judged.HOLDS if worst.passed else Judged.BROKEN) if known else Judged.CANNOT_TELL
    shown = best if judged is Judged.BROKEN else worst
    detail = shown.detail
    if judged is Judged.CANNOT_TELL:
        detail = _why_not(reading, subjects)
    return LawVerdict(
        entry.id, entry.title, judged, reading.evaluations, _found(reading, at_value), at_value.bound, detail,
        entry.remedy if judged is Judged.BROKEN else "",
    )  # fmt: skip


def _at(reading: Reading, predicate: object, *, good: bool) -> Finding:
    """The predicate at the end of each interval that speaks most for the samples, or most against them."""
    chosen = {}
    for name, number in reading.numbers.items():
        ends = (number.low, number.high) if math.isfinite(number.low) else (number.value, number.value)
        chosen[name] = ends[1] if good == (name in reading.good_high) else ends[0]
    assert callable(predicate)
    finding: Finding = predicate(**chosen)
    return finding


def _found(reading: Reading, finding: Finding) -> str:
    """The numbers with their intervals."""
    if isinstance(finding.value, str) or len(reading.numbers) == 3:
        return f"{format_value(finding.value)} {finding.unit}".strip()
    parts = []
    for name, number in reading.numbers.items():
        span = "" if number.low == number.high else f" [{number.low:.3g} to {number.high:.3g}]"
        parts.append(f"{name} {number.value:.3g}{span}")
    return ", ".join(parts)


def _why_not(reading: Reading, subjects: int) -> str:
    if subjects < LEAST_SUBJECTS:
        return f"{counted(subjects, 'held-out subject')} are too few for an interval; {LEAST_SUBJECTS} would do"
    return "the bound lies within the interval; more samples or more held-out scans would tell"
