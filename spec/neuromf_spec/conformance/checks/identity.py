"""The MeanFlow identity at a field that satisfies it (law ID-001), and the velocity that guidance makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.bench import POLYNOMIAL, Bench
from neuromf_spec.conformance.checks.derivative import as_declared, derivative_changes
from neuromf_spec.conformance.fields import Gaussian
from neuromf_spec.conformance.judging import by_sign
from neuromf_spec.conformance.objective import HEAD
from neuromf_spec.conformance.probe import Explanation, KnobProbe
from neuromf_spec.conformance.verdict import Result

POINTS = ((-0.8, 0.15, 0.8), (1.2, 0.3, 0.65))
"""z, r and t at which the exact field is asked."""
MEAN, STD = 0.4, 0.6
UNGUIDED = "guide the velocity, or declare no guidance"


def objective(bench: Bench) -> list[Result]:
    """The exact average velocity of a Gaussian has no residual where e - x is the marginal velocity."""
    field = Gaussian(MEAN, STD, bench.declared.prediction)
    flow = Gaussian(MEAN, STD)
    probes = []
    for z, r, t in POINTS:
        v = float(flow.velocity(np.float64(z), np.float64(t)))
        shape = (1, *bench.declared.shape)
        x, e = np.full(shape, z - t * v), np.full(shape, z + (1 - t) * v)
        batch = bench.copies(GivenBatch(x, e, np.array([r]), np.array([t]), np.array([bench.label])))
        parameters = {bench.knob: 0.0, **({HEAD + "one": v} if bench.declared.v_head else {})}
        probes.append(KnobProbe(field, parameters, batch, bench.knob))
    declared = bench.declared
    # What is wrong with the derivative is judged here too: the identity is what it breaks.
    judged = replace(
        bench.conduct, correction=declared.correction, derivative=declared.derivative, moves=(1.0, 0.0, 1.0),
        tangent=declared.tangent, interval="gap", guided_tangent=True, declared=declared,
    )  # fmt: skip
    changes = derivative_changes(judged, probes)
    result, _ = by_sign(bench, "ID-001", "objective", probes, judged=judged, changes=changes)
    return [as_declared(bench, result, probes)]


def guided_velocity(bench: Bench) -> list[Result]:
    """At r = t the network is held to the guided velocity that the code declares."""
    if bench.declared.guidance is None:
        return []
    generator = bench.generator(7)
    probes = [
        KnobProbe(POLYNOMIAL, bench.parameters(generator), bench.sample(generator, equal=True), "one") for _ in POINTS
    ]

    def changes(_: list[float]) -> list[Explanation]:
        return [
            Explanation(
                replace(bench.conduct, guidance="labelled"), "take the network without a label where it guides"
            ),
            Explanation(replace(bench.conduct, guidance="exchanged"), "give e - x the weight omega and u 1 - omega"),
            Explanation(replace(bench.conduct, guidance="none"), UNGUIDED),
        ]

    result, change = by_sign(bench, "ID-001", "guided velocity", probes, changes=changes)
    if change is not None:
        change = _unlike(bench, probes[0], change)
        bench.conduct = change.conduct
        result = replace(result, repair=change.repair)
    return [result]


def _unlike(bench: Bench, probe: KnobProbe, change: Explanation) -> Explanation:
    """Without guidance the residual vanishes where the labelled network has its own; its size tells them apart."""
    if change.conduct.guidance != "labelled":
        return change
    plain = Explanation(replace(change.conduct, guidance="none"), UNGUIDED)
    found = bench.evaluate(probe.field, probe.parameters, probe.batch).gradient[probe.knob]
    off = [abs(found - probe.setting(one.conduct).expected().gradient[probe.knob]) for one in (change, plain)]
    return plain if off[1] < off[0] else change
