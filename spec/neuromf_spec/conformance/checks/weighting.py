"""The adaptive weight (law WGT-001) and the unit of the loss (law WGT-003), read from gradients of many sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.bench import POLYNOMIAL, Bench, trial
from neuromf_spec.conformance.conduct import Conduct
from neuromf_spec.conformance.judging import by_number
from neuromf_spec.conformance.probe import Explanation, KnobProbe, root
from neuromf_spec.conformance.verdict import Result
from neuromf_spec.laws.weighting import WEIGHT_TOLERANCE

Array = NDArray[np.float64]
SIZES = (0.01, 1.0, 100.0)
"""L/c, or L itself where c is zero; besides L = 1.77."""


def weighting(bench: Bench) -> list[Result]:
    """How the gradient grows with the residual at r = t: its shape is the weight's, its size the reduction's."""
    probes = _probes(bench)
    found = np.array([bench.evaluate(p.field, p.parameters, p.batch).gradient["one"] for p in probes])
    limit = max(WEIGHT_TOLERANCE, 10 * bench.declared.allowed)
    law = _gradients(bench.conduct, probes)
    off = _spread(found, law)
    other = _other_reduction(bench)
    if not (off <= limit and _scale(found, law, limit)) and _explains(other.conduct, probes, found, limit):
        bench.conduct = other.conduct
        weight = by_number("WGT-001", "weight", 0.0, limit, detail="holds in the reduction that is there")
        return [weight, _reduction(probes, found, law, limit, other.repair)]
    repair = ""
    for change in _changes(bench.conduct):
        if not off <= limit and _spread(found, _gradients(change.conduct, probes)) <= limit:
            bench.conduct, repair = change.conduct, change.repair
            break
    mended = _gradients(bench.conduct, probes)
    results = [_weight(probes, found, law, off, limit, repair)]
    if off <= limit or repair:
        results.append(_reduction(probes, found, mended, limit, ""))
        bench.conduct = replace(bench.conduct, factor=bench.conduct.factor * float(np.median(found / mended)))
    return results


def _probes(bench: Bench) -> list[KnobProbe]:
    """One network at one sample, moved away from its root so that L has the sizes that are asked for."""
    generator = bench.generator(8)
    start = KnobProbe(POLYNOMIAL, bench.parameters(generator), bench.sample(generator, equal=True), "one")
    zero = root(bench.conduct, start)
    unit = bench.declared.norm_eps or 1.0
    losses = [*(unit * size for size in SIZES), 1.77]
    residuals = [np.sqrt(loss * bench.declared.divisor() / bench.declared.dims) for loss in losses]
    return [start.at(float(zero.value + residual / zero.slope)) for residual in residuals]


def _gradients(conduct: Conduct, probes: list[KnobProbe]) -> Array:
    return np.array([probe.setting(conduct).expected().gradient["one"] for probe in probes])


def _spread(found: Array, law: Array) -> float:
    """Largest distance of the ratios from their middle one: zero where the shapes are alike."""
    ratio = found / law
    return float(np.abs(ratio / np.median(ratio) - 1).max()) if np.isfinite(ratio).all() else float("nan")


def _scale(found: Array, law: Array, limit: float) -> bool:
    return bool(abs(np.median(found / law) - 1) <= limit)


def _explains(conduct: Conduct, probes: list[KnobProbe], found: Array, limit: float) -> bool:
    law = _gradients(conduct, probes)
    return _spread(found, law) <= limit and _scale(found, law, limit)


def _other_reduction(bench: Bench) -> Explanation:
    name = "mean" if bench.declared.divisor() == 1 else "sum"
    divisor = bench.declared.divisor(name)
    repair = f"declare `reduction` {name}, or reduce as is declared: c is in the unit of L"
    return Explanation(replace(bench.conduct, divisor=divisor), repair)


def _changes(conduct: Conduct) -> list[Explanation]:
    power, constant, dims = conduct.power, conduct.constant, conduct.declared.dims
    named = f"weight by (L + c)^-p with p = {power:g} and c = {constant:g}"
    squared = f"{named}; L is the squared error, and here the weight has its square"
    whole = f"{named}; here the power is taken of L alone"
    found = [
        Explanation(replace(conduct, exponent=2.0), squared),
        Explanation(
            replace(conduct, exponent=2.0, loss_power=2.0), f"{named}, and the loss L; here both have its square"
        ),
        Explanation(replace(conduct, weight_detached=False), "detach the weight"),
        Explanation(replace(conduct, exponent=0.5), f"{named}; here the weight has the root of L"),
        Explanation(replace(conduct, exponent=power, power=1.0), whole),
    ]
    found += [
        Explanation(replace(conduct, power=other), f"{named}, or declare `norm_p` = {other:g}")
        for other in sorted({0.0, 0.5, 0.75, 1.0, 1.5, 2.0, power / 2, 2 * power, -power} - {power})
    ]
    for other in (0.0, constant * dims, constant / dims, constant**2, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0):
        found.append(Explanation(replace(conduct, constant=other), f"{named}, or declare `norm_eps` = {other:g}"))
    return found


def _weight(probes: list[KnobProbe], found: Array, law: Array, off: float, limit: float, repair: str) -> Result:
    ratio = found / law
    middle = float(np.median(ratio))
    worst = int(np.argmax(np.abs(ratio / middle - 1)))
    probe = probes[worst]
    detail = (
        f"the gradient of a sample grows with its residual as {ratio[worst] / middle:.6g} times what the weight "
        f"(L + c)^-p makes of it, at the worst of {len(probes)} sizes of L"
    )
    kept = (trial(probe.field, probe.parameters, probe.batch, "one", float(found[worst]), f"{law[worst]:.9g}"),)
    return by_number("WGT-001", "weight", off, limit, detail=detail, repair=repair, trials=kept)


def _reduction(probes: list[KnobProbe], found: Array, law: Array, limit: float, repair: str) -> Result:
    scale = float(np.median(found / law))
    says = repair or f"declare the further `factor` {scale:.6g}, or take it out"
    detail = f"the gradient is {scale:.6g} times that of the declared reduction"
    off = float(np.abs(found / law - 1).max())
    worst = int(np.argmax(np.abs(found / law - 1)))
    probe = probes[worst]
    shown = (trial(probe.field, probe.parameters, probe.batch, "one", float(found[worst]), f"{law[worst]:.9g}"),)
    return by_number("WGT-003", "reduction", off, limit, detail=detail, repair=says, trials=shown)
