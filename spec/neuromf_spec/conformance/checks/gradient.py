"""Whether a gradient flows, and whether it flows through u alone (law JVP-002)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuromf_spec.conformance.bench import POLYNOMIAL, Bench, trial
from neuromf_spec.conformance.checks.matched import flow_matched
from neuromf_spec.conformance.conduct import Conduct
from neuromf_spec.conformance.judging import by_number
from neuromf_spec.conformance.objective import HEAD
from neuromf_spec.conformance.probe import KnobProbe
from neuromf_spec.conformance.verdict import Result
from neuromf_spec.laws.jvp import GRADIENT_TOLERANCE

POINTS = 2


def gradient_flows(bench: Bench) -> list[Result]:
    """The loss moves with some parameter of the network; without that no other check of it can be made."""
    generator = bench.generator(0)
    parameters, batch = bench.parameters(generator), bench.sample(generator)
    found = bench.evaluate(POLYNOMIAL, parameters, batch)
    largest = max(abs(value) for value in found.gradient.values())
    bench.has_gradient = bool(largest > 0)
    if bench.has_gradient:
        return []
    detail = f"the loss is {found.value:.6g} and its gradient is zero in all {len(found.gradient)} parameters"
    shown = (trial(POLYNOMIAL, parameters, batch, "one", 0.0, "not 0"),)
    repair = "let the gradient flow through u, and detach du/dt alone"
    return [by_number("JVP-002", "detached", 1.0, 0.0, detail=detail, repair=repair, trials=shown)]


def detached(bench: Bench) -> list[Result]:
    """The gradient points where u does, as if du/dt were a number: its direction, whatever its length."""
    generator = bench.generator(1)
    probes = [flow_matched(bench, generator) for _ in range(POINTS)]
    found = [_direction(bench.evaluate(p.field, p.parameters, p.batch).gradient) for p in probes]
    off = [_distance(probe, bench.conduct, vector) for probe, vector in zip(probes, found, strict=True)]
    worst = int(np.argmax(off))
    flowing = replace(bench.conduct, detached=False)
    undone = all(_distance(p, flowing, vector) <= _limit(bench) for p, vector in zip(probes, found, strict=True))
    if undone and not off[worst] <= _limit(bench):
        bench.conduct = flowing
    probe, law = probes[worst], _slopes(probes[worst], bench.conduct if not undone else replace(flowing, detached=True))
    name = max(law, key=lambda key: abs(found[worst][key] - law[key]))
    detail = f"direction of the gradient: its part `{name}` is {found[worst][name]:.9g}, by law {law[name]:.9g}"
    shown = (probe.field, probe.parameters, probe.batch, name, found[worst][name], f"{law[name]:.9g}")
    kept = (trial(*shown, over="norm"),)
    repair = "detach du/dt, so that the target is a constant" if undone else ""
    return [by_number("JVP-002", "detached", off[worst], _limit(bench), detail=detail, repair=repair, trials=kept)]


def _limit(bench: Bench) -> float:
    return max(GRADIENT_TOLERANCE, 10 * bench.declared.allowed)


def _direction(gradient: object) -> dict[str, float]:
    assert hasattr(gradient, "items")
    own = {name: float(value) for name, value in gradient.items() if not name.startswith(HEAD)}
    norm = float(np.sqrt(sum(value**2 for value in own.values()))) or float("nan")
    return {name: value / norm for name, value in own.items()}


def _slopes(probe: KnobProbe, conduct: Conduct) -> dict[str, float]:
    term = probe.setting(conduct).terms()[0]
    residual = float(term.residual.flat[0])
    return _direction({name: residual * float(value.flat[0]) for name, value in term.slopes.items()})


def _distance(probe: KnobProbe, conduct: Conduct, found: dict[str, float]) -> float:
    law = _slopes(probe, conduct)
    return float(np.sqrt(sum((found[name] - law[name]) ** 2 for name in law)))
