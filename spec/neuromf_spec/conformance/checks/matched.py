"""A network at a sample whose flow-matching term, where there is one, is zero: the velocity term is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuromf_spec.conformance.bench import POLYNOMIAL, Bench
from neuromf_spec.conformance.probe import KnobProbe, root


def flow_matched(bench: Bench, generator: np.random.Generator) -> KnobProbe:
    """A polynomial at a flat sample with r < t, its constant chosen so that u(z, t, t) is the target.

    The knob is far from its root, so that the velocity term has a residual.
    """
    parameters, batch = bench.parameters(generator), bench.sample(generator)
    if bench.declared.terms == "dual":
        at_t = KnobProbe(POLYNOMIAL, parameters, replace(batch, r=batch.t), "one")
        parameters["one"] = root(bench.conduct, at_t).value
    probe = KnobProbe(POLYNOMIAL, parameters, batch, bench.knob)
    zero = root(bench.conduct, probe)
    return probe.at(zero.value + 0.7 * zero.size / abs(zero.slope))
