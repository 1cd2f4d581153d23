"""The learning rate of every step (laws LR-001 and LR-002)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from neuromf_spec.conformance.bench import Bench
from neuromf_spec.conformance.declaration import Schedule
from neuromf_spec.conformance.judging import by_finding, by_number
from neuromf_spec.conformance.verdict import RateCall, Result
from neuromf_spec.reference.schedule import lr_multiplier
from neuromf_spec.registry import law

Multiplier = Callable[[int], float]


def scheduled(bench: Bench) -> list[Result]:
    """The first multiplier, then those of the steps where a schedule bends."""
    declared = bench.declared.schedule
    if bench.subject.rate is None or declared is None:
        return []
    found = {step: float(bench.subject.rate(step)) for step in _steps(declared)}
    warm, late = declared.warmup_steps, _late(declared)
    ramp = warm > 0 and _fits(found, late, bench)
    undeclared = _undeclared(declared, found, bench)
    finding = law("LR-001").predicate(multiplier=found[0], schedule=declared.shape, warmup_steps=warm)
    repair = "multiply the rate of step k by (k + 1)/warmup, not by k/warmup" if ramp or found[0] == 0 else undeclared
    shown = (RateCall(step=0, law=f"{_lawful(declared)(0):.9g}"),)
    first = by_finding("LR-001", "first step", finding, repair, trials=shown)
    return [first, _every(bench, declared, found, late if ramp and not finding.passed else None, undeclared)]


def _every(
    bench: Bench, declared: Schedule, found: dict[int, float], ramp: Multiplier | None, undeclared: str
) -> Result:
    lawful = ramp or _lawful(declared)
    off = {step: abs(value - lawful(step)) for step, value in found.items()}
    worst = max(off, key=lambda step: (off[step] != off[step], off[step]))
    limit = _limit(bench)
    repair = next((told for made, told in _others(declared) if _fits(found, made, bench)), undeclared)
    detail = f"step {worst} has {found[worst]:.9g} of the rate, by law {lawful(worst):.9g}"
    detail += "; but for the ramp that law LR-001 names" if ramp else ""
    shown = (RateCall(step=worst, law=f"{lawful(worst):.9g}"),)
    return by_number("LR-002", "every step", off[worst], limit, detail=detail, repair=repair, trials=shown)


def _undeclared(declared: Schedule, found: dict[int, float], bench: Bench) -> str:
    """The warm-up that the first steps show, where the schedule follows it and not the declared one."""
    if not 0 < found[0] < 1:
        return ""
    warm = round(1 / found[0])
    late = replace(declared, warmup_steps=warm)
    same = warm < declared.total_steps and _fits(found, _lawful(late), bench)
    return f"declare `warmup_steps` = {warm}, or take the warm-up out" if same else ""


def _limit(bench: Bench) -> float:
    return 1e-9 if bench.declared.precision == "float64" else 1e-6


def _steps(declared: Schedule) -> list[int]:
    warm, total = declared.warmup_steps, declared.total_steps
    return sorted({step for step in (0, 1, warm - 1, warm, warm + 1, (warm + total) // 2, total - 1)
                   if 0 <= step < total})  # fmt: skip


def _lawful(declared: Schedule) -> Multiplier:
    return lambda step: lr_multiplier(step, declared.total_steps, declared.warmup_steps, declared.shape)


def _late(declared: Schedule) -> Multiplier:
    """The same with a ramp of k/warmup."""
    warm = declared.warmup_steps
    return lambda step: step / warm if step < warm else _lawful(declared)(step)


def _others(declared: Schedule) -> list[tuple[Multiplier, str]]:
    warm, total, shape = declared.warmup_steps, declared.total_steps, declared.shape
    found: list[tuple[Multiplier, str]] = [
        (_late(declared), "multiply the rate of step k by (k + 1)/warmup, not by k/warmup"),
        (
            lambda step: lr_multiplier(min(step + 1, total - 1), total, warm, shape),
            "count steps from 0; here one is skipped",
        ),
        (lambda step: lr_multiplier(max(step - 1, 0), total, warm, shape), "advance the schedule after each step"),
        (
            lambda step: lr_multiplier(step - 1 if 0 < step < warm else step, total, warm, shape),
            "multiply the rate of step k by (k + 1)/warmup; here the first two steps have the same",
        ),
        (lambda step: lr_multiplier(step, total, 0, shape), "warm up as declared, or declare no warm-up"),
    ]
    names = [other for other in ("constant", "cosine", "linear") if other != shape]
    found += [
        (lambda step, other=other: lr_multiplier(step, total, warm, other), f"declare the shape {other}")  # type: ignore[misc]
        for other in names
    ]
    return found


def _fits(found: dict[int, float], made: Multiplier, bench: Bench) -> bool:
    return all(abs(value - made(step)) <= _limit(bench) for step, value in found.items())
