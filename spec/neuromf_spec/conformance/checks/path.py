"""The point and the velocity of the path (law PATH-001), and the 1/t of an x-prediction (law PRED-001)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.bench import POLYNOMIAL, Bench, trial
from neuromf_spec.conformance.conduct import Conduct, Path, conduct_of
from neuromf_spec.conformance.judging import by_number, by_sign
from neuromf_spec.conformance.objective import HEAD
from neuromf_spec.conformance.probe import Explanation, KnobProbe, changes_sign, measured_root, root
from neuromf_spec.conformance.verdict import LossCall, Result

TIMES = (0.6, 0.85)
POINT, SPEEDS = 0.3, (0.4, -0.9)
"""Of two draws through one point."""
PATHS: dict[Path, str] = {
    "reversed": "give the data the weight 1 - t and the noise t, or declare `data_at`",
    "added": "give the data the weight 1 - t",
    "circle": "interpolate in a straight line",
}


def point(bench: Bench) -> list[Result]:
    """The point that the network is shown, read from a ratio of gradients at r = t: of `z` to that of `one`."""
    generator = bench.generator(2)
    batches = [bench.sample(generator, equal=True, t=time) for time in TIMES]
    parameters = bench.parameters(generator)
    gradients = [bench.evaluate(POLYNOMIAL, parameters, batch).gradient for batch in batches]
    seen = [gradient["z"] / gradient["one"] if gradient["one"] else np.nan for gradient in gradients]
    limit = 10 * bench.declared.allowed
    law = [_point(bench.conduct, batch) for batch in batches]
    off = _off(seen, law)
    repair = ""
    for path, sentence in PATHS.items():
        other = replace(bench.conduct, path=path)
        if not off <= limit and _off(seen, [_point(other, batch) for batch in batches]) <= limit:
            bench.conduct, repair = other, sentence
            break
    worst = int(np.argmax(np.abs(np.subtract(seen, law))))
    one = batches[worst]
    detail = (
        f"at x = {one.x.flat[0]:.6g}, e = {one.e.flat[0]:.6g}, t = {one.t[0]:.6g} the network is shown "
        f"z = {seen[worst]:.9g}, by law {law[worst]:.9g}"
    )
    kept = (trial(POLYNOMIAL, parameters, one, "z", seen[worst], f"{law[worst]:.9g}", over="one"),)
    return [by_number("PATH-001", "point", off, limit, detail=detail, repair=repair, trials=kept)]


def _point(conduct: Conduct, batch: GivenBatch) -> float:
    return float(KnobProbe(POLYNOMIAL, {}, batch, "one").setting(conduct).point.flat[0])


def _off(found: list[float], law: list[float]) -> float:
    return float(max(abs(a - b) / (1 + abs(b)) for a, b in zip(found, law, strict=True)))


def velocity(bench: Bench) -> list[Result]:
    """The velocity that u is held to at r = t, by a network that is one number everywhere: guidance leaves it alone."""
    generator = bench.generator(3)
    probes = [KnobProbe(POLYNOMIAL, {"one": 0.0}, bench.sample(generator, equal=True, t=t), "one") for t in TIMES]
    if bench.declared.v_head:
        probes = [replace(probe, parameters={"one": 0.0, HEAD + "one": 0.0}) for probe in probes]

    def changes(_: list[float]) -> list[Explanation]:
        return [
            Explanation(
                replace(bench.conduct, velocity=-1.0), "hold u to e - x and not to x - e, or declare `data_at`"
            ),
            Explanation(replace(bench.conduct, velocity=0.0), "hold u to e - x and not to zero"),
        ]

    result, change = by_sign(bench, "PATH-001", "velocity", probes, changes=changes)
    bench.conduct = change.conduct if change else bench.conduct
    results = [result]
    if bench.declared.v_head:
        heads = [replace(probe, knob=HEAD + "one", term=1 + (bench.declared.terms == "dual")) for probe in probes]
        results.append(by_sign(bench, "PATH-001", "velocity of the second head", heads, changes=changes)[0])
    return results


def clamp(bench: Bench) -> list[Result]:
    """What an x-prediction is divided by: read from two draws through one point, whatever sign the velocity has."""
    if bench.declared.prediction != "x":
        return []
    limit = 100 * bench.declared.allowed
    floor = bench.declared.t_min
    times = [0.7, *([floor / 2] if floor > 0 else [])]
    probes = [_through(bench, time, speed) for time in times for speed in SPEEDS]
    if all(changes_sign(bench, probe, bench.conduct, bench.declared.allowed)[0] for probe in probes):
        told = " and ".join(f"{time:.3g}" for time in times)
        detail = f"z - x is divided by max(t, {floor:g}) at t = {told}"
        return [by_number("PRED-001", "clamp", bench.declared.allowed, limit, detail=detail)]
    seen = [_divisor(bench, time) for time in times]
    law = [max(time, floor) for time in times]
    off = float(max(abs(a - b) / b for a, b in zip(seen, law, strict=True)))
    changed: list[tuple[Callable[[float], float], Conduct, str]] = [
        (lambda _: floor, replace(bench.conduct, divided_by="gap"), "divide z - x by t and not by t - r"),
        (lambda time: time, replace(bench.conduct, clamp=0.0), "clamp 1/t at the declared t_min"),
        (lambda _: 1.0, replace(bench.conduct, clamp=1.0), "divide z - x by t"),
        (lambda time: max(time, seen[-1]), replace(bench.conduct, clamp=seen[-1]), "declare the clamp that is there"),
    ]
    repair = ""
    for by_change, conduct, sentence in changed:
        same = all(abs(a - by_change(time)) <= limit for a, time in zip(seen, times, strict=True))
        if not off <= limit and same:
            bench.conduct, repair = conduct, sentence
            break
    shown = ", ".join(f"{a:.6g} at t = {time:.3g} (law {b:.6g})" for a, time, b in zip(seen, times, law, strict=True))
    kept = tuple(_shown(bench, time, speed) for time in times for speed in SPEEDS)
    detail = f"z - x is divided by {shown}"
    return [by_number("PRED-001", "clamp", off, limit, detail=detail, repair=repair, trials=kept)]


def _shown(bench: Bench, time: float, speed: float) -> LossCall:
    """The draw at the value of the network where, by law, its residual is zero: there the gradient is."""
    probe = _through(bench, time, speed)
    lawful = probe.at(root(conduct_of(bench.declared), probe).value)
    found = bench.evaluate(lawful.field, lawful.parameters, lawful.batch).gradient[lawful.knob]
    return trial(lawful.field, lawful.parameters, lawful.batch, lawful.knob, found, "0")


def _through(bench: Bench, time: float, speed: float) -> KnobProbe:
    """A draw that passes a given point at r = t with a given velocity."""
    shape, at = (1, *bench.declared.shape), np.array([time])
    x, e = np.full(shape, POINT - time * speed), np.full(shape, POINT + (1 - time) * speed)
    batch = bench.copies(GivenBatch(x, e, at, at, np.array([bench.label])))
    parameters = {"one": 0.0, **({HEAD + "one": 0.0} if bench.declared.v_head else {})}
    return KnobProbe(POLYNOMIAL, parameters, batch, "one")


def _divisor(bench: Bench, time: float) -> float:
    """What z - x is divided by, d in x = z - d v where the residual is zero: two velocities give it."""
    moved = []
    for probe in (_through(bench, time, speed) for speed in SPEEDS):
        value = measured_root(bench, probe, root(bench.conduct, probe))
        moved.append(_point(bench.conduct, probe.batch) - (np.nan if value is None else value))
    return float(abs((moved[0] - moved[1]) / (SPEEDS[0] - SPEEDS[1])))
