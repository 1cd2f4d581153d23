"""Where a residual vanishes, by the sign of the loss's gradient: the same for every weight, power and reduction.

The knob is a parameter that moves one residual. At the knob's value where that residual is zero by law, the gradient
must change its sign; the law's value is known by hand. No weight hides this, for a weight is positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from neuromf_spec.conformance.batch import GivenBatch, Parameters
from neuromf_spec.conformance.bench import Bench, trial
from neuromf_spec.conformance.conduct import Conduct
from neuromf_spec.conformance.fields import Field
from neuromf_spec.conformance.objective import Setting
from neuromf_spec.conformance.verdict import LossCall

FOUND = 1e-6
"""Relative distance at which two such roots are one."""


@dataclass(frozen=True)
class KnobProbe:
    """A network at a sample with a knob.

    Attributes:
        field: the network.
        parameters: its parameters.
        batch: copies of one sample, all of whose numbers are alike.
        knob: the parameter that is turned.
        term: place of the term whose residual is looked at.
    """

    field: Field
    parameters: Parameters
    batch: GivenBatch
    knob: str
    term: int = 0

    def at(self, value: float) -> KnobProbe:
        """The same with the knob at another value."""
        return replace(self, parameters={**self.parameters, self.knob: value})

    def setting(self, conduct: Conduct) -> Setting:
        """By hand."""
        return Setting(conduct, self.field, self.parameters, self.batch)

    def residual(self, conduct: Conduct) -> float:
        """Prediction minus target, by hand."""
        return float(self.setting(conduct).terms()[self.term].residual.flat[0])


@dataclass(frozen=True)
class Root:
    """The knob's value where the residual is zero by hand.

    Attributes:
        value: of the knob.
        slope: of the residual by the knob.
        size: of the largest part of the residual there.
    """

    value: float
    slope: float
    size: float

    @property
    def moves(self) -> bool:
        """Whether the knob moves the residual at all."""
        return abs(self.slope) > 1e-9 * self.size

    def distance(self, value: float) -> float:
        """How far the residual is from zero at a value of the knob, relative to its parts."""
        return abs((value - self.value) * self.slope) / self.size


def root(conduct: Conduct, probe: KnobProbe) -> Root:
    """The residual is linear in the knob: two values of it give the root."""
    at_zero, at_one = probe.at(0.0).residual(conduct), probe.at(1.0).residual(conduct)
    slope = at_one - at_zero
    value = -at_zero / slope if slope else np.nan
    term = probe.at(value).setting(conduct).terms()[probe.term]
    return Root(value, slope, term.size)


def changes_sign(bench: Bench, probe: KnobProbe, conduct: Conduct, allowed: float) -> tuple[bool, tuple[LossCall, ...]]:
    """Whether the code's gradient has the signs that it has by hand, just below and just above the root."""
    zero = root(conduct, probe)
    trials = []
    for side in (-1, 1):
        turned = probe.at(zero.value + side * allowed * zero.size / abs(zero.slope))
        expected = turned.setting(conduct).expected().gradient[probe.knob]
        found = bench.evaluate(turned.field, turned.parameters, turned.batch).gradient[probe.knob]
        law = "above 0" if expected > 0 else "below 0"
        trials.append(
            (found * expected > 0, trial(turned.field, turned.parameters, turned.batch, probe.knob, found, law))
        )
    return all(right for right, _ in trials), tuple(kept for _, kept in trials)


def measured_root(bench: Bench, probe: KnobProbe, near: Root) -> float | None:
    """The value of the knob at which the code's gradient changes its sign; None where it does nowhere near."""

    def pull(value: float) -> float:
        turned = probe.at(value)
        return bench.evaluate(turned.field, turned.parameters, turned.batch).gradient[probe.knob]

    width = 4 * near.size / abs(near.slope)
    for reach in (width, 8 * width, 100 * width):
        low, high = near.value - reach, near.value + reach
        if pull(low) * pull(high) < 0:
            return float(brentq(pull, low, high, xtol=1e-9 * width, rtol=1e-14))
    return None


@dataclass(frozen=True)
class Explanation:
    """A conduct that explains what a code does, and what would have to be changed of the code.

    Attributes:
        conduct: how the code computes.
        repair: what to change, an imperative clause.
    """

    conduct: Conduct
    repair: str


def explained(
    probes: Sequence[KnobProbe], found: Sequence[float], changes: Sequence[Explanation], allowed: float
) -> Explanation | None:
    """The first change whose roots by hand are those that were measured, at every probe."""
    for change in changes:
        zeros = [root(change.conduct, probe) for probe in probes]
        near = max(FOUND, 10 * allowed)
        if all(zero.moves and zero.distance(value) <= near for zero, value in zip(zeros, found, strict=True)):
            return change
    return None
