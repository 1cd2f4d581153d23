"""The moving average of the weights (law EMA-001)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.bench import Bench
from neuromf_spec.conformance.judging import by_number
from neuromf_spec.conformance.verdict import AverageCall, Result, Status
from neuromf_spec.reference.ema import average

Array = NDArray[np.float64]
STEPS = 33
"""Two updates and one step more, where a code updates once in 16."""
LIMIT = 1e-5
"""Relative: averages are kept in float32, of which 33 steps lose 1e-6; one step in 33 moves this one by per cents."""
EVERY = (2, 4, 5, 8, 10, 16, 20, 32)


def averaged(bench: Bench) -> list[Result]:
    """The average after each of some steps of random weights, against one weighted sum."""
    declared = bench.declared.average
    if bench.subject.average is None or declared is None:
        return []
    weights = list(bench.generator(13).standard_normal((STEPS + 1, 3)).cumsum(axis=0))
    found = np.asarray(bench.subject.average(weights), dtype=float)
    limit = LIMIT
    law = average(weights[0], weights[1:], declared.decay)
    as_declared = average(weights[0], weights[declared.every :: declared.every], declared.decay)
    off, off_declared = _off(found, law), _off(found, as_declared)
    detail = f"after {STEPS} steps the first average is {found[0]:.9g}, by law {law[0]:.9g}"
    result = by_number("EMA-001", "average", off, limit, detail=detail)
    if result.status is Status.HOLDS:
        return [result]
    if off_declared <= limit:
        said = f"{detail}; the code updates once in {declared.every} steps, as it declares"
        return [Result(law_id="EMA-001", fact="average", status=Status.DECLARED, value=off, bound=result.bound,
                       detail=said)]  # fmt: skip
    repair = next((told for made, told in _others(weights, declared.decay) if _off(found, made()) <= limit), "")
    shown = (AverageCall(weights=weights, law=float(law[0])),)
    return [by_number("EMA-001", "average", off, limit, detail=detail, repair=repair, trials=shown)]


def _off(found: Array, law: Array) -> float:
    return float(np.abs(found - law).max() / np.abs(law).max()) if found.shape == law.shape else float("nan")


def _others(weights: Sequence[Array], decay: float) -> list[tuple[Callable[[], Array], str]]:
    """What averages are made of in public codes, and what each would have to change or declare."""
    start, steps = weights[0], list(weights[1:])

    def growing(decay_of: Callable[[int], float]) -> Array:
        kept = start
        for count, present in enumerate(steps, start=1):
            kept = decay_of(count) * kept + (1 - decay_of(count)) * present
        return kept

    found: list[tuple[Callable[[], Array], str]] = [
        (lambda every=every: average(start, steps[every - 1 :: every], decay),  # type: ignore[misc]
         f"update the average at every step, or declare `every` = {every}")
        for every in EVERY
    ]  # fmt: skip
    return [
        *found,
        (lambda: average(start, steps, 1 - decay), "keep beta of the average and take 1 - beta of the weights"),
        (lambda: average(0 * start, steps, decay), "begin the average at the first weights and not at zero"),
        (lambda: average(start, [part for part in steps for _ in range(2)], decay), "update once a step; here twice"),
        (lambda: average(start, steps[:-1], decay), "update after the optimiser's step and not before it"),
        (lambda: average(start, list(weights[:-1]), decay), "update after the optimiser's step and not before it"),
        (lambda: growing(lambda n: min(decay, (1 + n) / (10 + n))), "declare the warm-up (1 + n)/(10 + n) of beta"),
        (lambda: average(0 * start, steps, decay) / (1 - decay ** len(steps)), "declare the correction by 1 - beta^n"),
        (lambda: steps[-1], "average the weights; here the last ones are returned"),
        (lambda: start, "update the average; here it stays where it began"),
    ]
