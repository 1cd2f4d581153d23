"""The correction (t - r) du/dt: right (law JVP-001), without effect at r = t (law ID-002)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from neuromf_spec.conformance.bench import POLYNOMIAL, Bench
from neuromf_spec.conformance.conduct import Conduct, Tangent
from neuromf_spec.conformance.judging import by_sign
from neuromf_spec.conformance.probe import Explanation, KnobProbe, root
from neuromf_spec.conformance.verdict import Result, Status

POINTS = 2
STEPS = (0.05, 0.02, 0.01, 0.005, 0.002, 1e-3, 1e-4)
"""Steps of finite differences that public codes use."""
MOVES = {
    (1.0, 0.0, 0.0): "differentiate in t as well: the tangent of (z, r, t) is (v, 0, 1)",
    (0.0, 0.0, 1.0): "differentiate along v in z as well: the tangent of (z, r, t) is (v, 0, 1)",
    (1.0, 1.0, 1.0): "hold r fixed: the tangent of (z, r, t) is (v, 0, 1)",
    (1.0, 1.0, 0.0): "differentiate in t and not in r: the tangent of (z, r, t) is (v, 0, 1)",
    (-1.0, 0.0, 1.0): "turn the velocity of the tangent: it is (v, 0, 1)",
    (1.0, 0.0, -1.0): "turn the time of the tangent: it is (v, 0, 1)",
}
TANGENTS = {
    "conditional": "take du/dt along the declared velocity, or declare `tangent` conditional",
    "model": "take du/dt along the declared velocity, or declare `tangent` model",
    "v_head": "take du/dt along the declared velocity, or declare `tangent` v_head",
}


def irrelevant(bench: Bench) -> list[Result]:
    """At r = t the residual is u - v, however fast u changes."""
    generator = bench.generator(5)
    probes = [
        KnobProbe(POLYNOMIAL, bench.parameters(generator, size=2.0), bench.sample(generator, equal=True), "one")
        for _ in range(POINTS)
    ]

    def changes(_: list[float]) -> list[Explanation]:
        repair = "multiply du/dt by t - r"
        return [Explanation(replace(bench.conduct, interval=kind), repair) for kind in ("one", "t")]

    result, change = by_sign(bench, "ID-002", "correction at r = t", probes, changes=changes)
    bench.conduct = change.conduct if change else bench.conduct
    return [result]


def derivative(bench: Bench) -> list[Result]:
    """The correction is (t - r) du/dt along (v, 0, 1), measured where it makes the residual vanish."""
    generator = bench.generator(6)
    probes = [
        KnobProbe(POLYNOMIAL, bench.parameters(generator), bench.sample(generator), bench.knob) for _ in range(POINTS)
    ]
    result, change = by_sign(bench, "JVP-001", "du/dt", probes, changes=derivative_changes(bench.conduct, probes))
    bench.conduct = change.conduct if change else bench.conduct
    return [as_declared(bench, result, probes)]


def as_declared(bench: Bench, result: Result, probes: Sequence[KnobProbe]) -> Result:
    """What holds as declared and not by law is a declared deviation."""
    declared = bench.declared
    if result.status is not Status.HOLDS or (declared.correction == 1 and declared.derivative == "exact"):
        return result
    lawful = replace(bench.conduct, correction=1.0, derivative="exact")
    off = max(root(lawful, probe).distance(root(bench.conduct, probe).value) for probe in probes)
    if off <= declared.allowed:
        return result
    said = [f"{declared.correction:g} times (t - r) du/dt"] if declared.correction != 1 else []
    said += [f"a {declared.derivative} difference of step {declared.step:g}"] if declared.derivative != "exact" else []
    detail = f"the code takes {' and '.join(said)}, as it declares"
    return replace(result, status=Status.DECLARED, value=off, detail=detail)


def derivative_changes(conduct: Conduct, probes: Sequence[KnobProbe]) -> Callable[[list[float]], list[Explanation]]:
    """What might be wrong with a correction, the likeliest first, and its factor as it was measured."""

    def changes(roots: list[float]) -> list[Explanation]:
        found = [
            Explanation(replace(conduct, correction=-conduct.correction), "turn the sign of (t - r) du/dt"),
            Explanation(replace(conduct, correction=0.0), "add (t - r) du/dt to u"),
        ]
        found += [Explanation(replace(conduct, moves=moves), repair) for moves, repair in MOVES.items()]
        tangents: list[Tangent] = ["conditional", "model"]
        tangents += ["v_head"] if conduct.declared.v_head else []
        for tangent in tangents:
            if tangent != conduct.tangent:
                found.append(Explanation(replace(conduct, tangent=tangent), TANGENTS[conduct.tangent]))
        found += [Explanation(replace(conduct, interval=kind), "multiply du/dt by t - r") for kind in ("one", "t")]
        if conduct.declared.guidance is not None:
            found.append(Explanation(replace(conduct, guided_tangent=False), "take du/dt along the guided velocity"))
        return [*found, *_factor(conduct, probes, roots), *_differences(conduct)]

    return changes


def _factor(conduct: Conduct, probes: Sequence[KnobProbe], roots: Sequence[float]) -> list[Explanation]:
    """The factor on (t - r) du/dt that would explain the roots, where one does."""
    without = replace(conduct, correction=0.0)
    factors = []
    for probe, value in zip(probes, roots, strict=True):
        turned = probe.at(value)
        setting = turned.setting(conduct)
        added = float((setting.span() * setting.derivative()).flat[0])
        factors.append(-turned.residual(without) / added if added else np.nan)
    factor = float(np.median(factors))
    repair = f"multiply du/dt by t - r and not by {factor:.6g} (t - r), or declare `correction` = {factor:.6g}"
    return [Explanation(replace(conduct, correction=factor), repair)]


def _differences(conduct: Conduct) -> list[Explanation]:
    found = []
    for step in STEPS:
        declared = replace(conduct.declared, step=step)
        for kind in ("forward", "central"):
            repair = f"take the exact derivative, or declare a {kind} difference of step {step:g}"
            found.append(Explanation(replace(conduct, declared=declared, derivative=kind), repair))
    return found
