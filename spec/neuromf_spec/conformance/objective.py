"""The objective and its gradient by hand, in numpy, for any conduct.

Shapes: a batch (B, ...); times reshaped beside it. The network is linear in its parameters, so that a gradient is a
product of residual and feature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.conduct import Conduct
from neuromf_spec.conformance.fields import Field, Moves, Polynomial, beside, evaluate, rate

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Parameters = Mapping[str, float]
HEAD = "head_"
"""Parameters of the second head have names that begin so; it is a polynomial in z and t."""
HEAD_FIELD = Polynomial()


def head_parameters(parameters: Parameters) -> dict[str, float]:
    """Those of the second head, under the names of its terms."""
    return {name.removeprefix(HEAD): value for name, value in parameters.items() if name.startswith(HEAD)}


@dataclass(frozen=True)
class ResidualTerm:
    """One term of the objective.

    Attributes:
        residual: prediction minus target (B, ...).
        slopes: what each parameter adds to the residual, as far as the gradient sees it (B, ...).
        size: largest part that the residual is the difference of.
    """

    residual: Array
    slopes: dict[str, Array]
    size: float


@dataclass(frozen=True)
class Expected:
    """What the loss must return.

    Attributes:
        value: weighted loss of the batch.
        raw: loss without weights.
        gradient: of the weighted loss, a number a parameter.
    """

    value: float
    raw: float
    gradient: dict[str, float]


@dataclass(frozen=True)
class Setting:
    """A conduct with a network at a batch: the intermediate values of its objective."""

    conduct: Conduct
    field: Field
    parameters: Parameters
    batch: GivenBatch

    @cached_property
    def point(self) -> Array:
        """The point on the path that the network is shown."""
        x, e, t = self.batch.x, self.batch.e, beside(self.batch.t, self.batch.x)
        weights = {
            "straight": (1 - t, t),
            "reversed": (t, 1 - t),
            "added": (1.0, t),
            "circle": (np.cos(np.pi * t / 2), np.sin(np.pi * t / 2)),
        }[self.conduct.path]
        point: Array = weights[0] * x + weights[1] * e
        return point

    def shown(self, r: Array, t: Array) -> tuple[Array, Array]:
        """The times that the network is handed for (r, t)."""
        return {"both": (r, t), "swapped": (t, r), "only_t": (t, t)}[self.conduct.times]

    def velocity_of(self, z: Array, r: Array, t: Array, y: Labels) -> Array:
        """Average velocity as the code takes it from the network's output."""
        output = evaluate(self.field, self.parameters, z, *self.shown(r, t), y)
        if self.conduct.declared.prediction == "u":
            return np.asarray(output)
        return np.asarray((z - output) / self.denominator(r, t, z))

    def denominator(self, r: Array, t: Array, z: Array) -> Array:
        """What an x-prediction is divided by."""
        divided = t - r if self.conduct.divided_by == "gap" else t
        return np.asarray(np.maximum(beside(divided, z), self.conduct.clamp))

    def head_velocity(self, z: Array, t: Array) -> Array:
        """What the second head puts out."""
        return np.asarray(evaluate(HEAD_FIELD, head_parameters(self.parameters), z, t, t))

    @cached_property
    def target_velocity(self) -> Array:
        """The velocity that u is held to: e - x, with guidance where the code has it."""
        conditional = self._conditional()
        guidance, kind = self.conduct.declared.guidance, self.conduct.guidance
        if guidance is None or kind == "none":
            return conditional
        z, t = self.point, self.batch.t
        own = self.velocity_of(z, t, t, self.batch.y)
        free = self.velocity_of(z, t, t, np.full_like(self.batch.y, guidance.no_label))
        scale, mix = guidance.scale, guidance.mix
        if kind == "labelled":
            return np.asarray(scale * conditional + (1 - scale) * own)
        if kind == "exchanged":
            return np.asarray((1 - scale) * conditional + mix * own + (scale - mix) * free)
        return np.asarray(scale * conditional + mix * own + (1 - scale - mix) * free)

    def _conditional(self) -> Array:
        return np.asarray(self.conduct.velocity * (self.batch.e - self.batch.x))

    def tangent(self) -> Array:
        """The velocity along which du/dt is taken."""
        z, t, y = self.point, self.batch.t, self.batch.y
        if self.conduct.tangent == "model":
            return self.velocity_of(z, t, t, y)
        if self.conduct.tangent == "v_head":
            return self.head_velocity(z, t)
        return self.target_velocity if self.conduct.guided_tangent else self._conditional()

    def derivative(self) -> Array:
        """du/dt."""
        if self.conduct.derivative != "exact":
            return self._difference()
        z, r, t, y = self.point, self.batch.r, self.batch.t, self.batch.y
        moves = self._moves(self.tangent())
        output_rate = rate(self.field, self.parameters, z, *self.shown(r, t), moves)
        return np.asarray(self._through_output(output_rate, z, r, t, y))

    def _moves(self, tangent: Array) -> Moves:
        dz, dr, dt = self.conduct.moves
        rates = {"both": (dr, dt), "swapped": (dt, dr), "only_t": (dt, dt)}[self.conduct.times]
        return Moves(dz * tangent, *rates)

    def _through_output(self, output_rate: Array, z: Array, r: Array, t: Array, y: Labels) -> Array:
        """The derivative of u from that of the output: for x by the quotient rule, below the clamp without 1/t's."""
        if self.conduct.declared.prediction == "u":
            return output_rate
        below, (dz, dr, dt) = self.denominator(r, t, z), self.conduct.moves
        grows = dt - dr if self.conduct.divided_by == "gap" else dt
        growth = np.where(below > self.conduct.clamp, grows, 0.0)
        u = self.velocity_of(z, r, t, y)
        return np.asarray((dz * self.tangent() - output_rate - growth * u) / below)

    def _difference(self) -> Array:
        step, (dz, dr, dt) = self.conduct.declared.step, self.conduct.moves
        z, r, t, y, tangent = self.point, self.batch.r, self.batch.t, self.batch.y, self.tangent()

        def moved(by: float) -> Array:
            return self.velocity_of(z + by * dz * tangent, r + by * dr, t + by * dt, y)

        if self.conduct.derivative == "forward":
            return (moved(step) - moved(0.0)) / step
        return (moved(step) - moved(-step)) / (2 * step)

    def span(self) -> Array:
        """What du/dt is multiplied by, but for the constant factor."""
        r, t = beside(self.batch.r, self.batch.x), beside(self.batch.t, self.batch.x)
        return np.asarray({"gap": t - r, "one": np.ones_like(t), "t": t}[self.conduct.interval])

    def terms(self) -> list[ResidualTerm]:
        """The velocity term, then those that the code declares beside it."""
        declared, t = self.conduct.declared, self.batch.t
        terms = [self._velocity_term()]
        if declared.terms == "dual":
            u, target = self.velocity_of(self.point, t, t, self.batch.y), self.target_velocity
            terms.append(ResidualTerm(u - target, self._slopes(t, t), _size(u, target)))
        if declared.v_head:
            v, target = self.head_velocity(self.point, t), self.target_velocity
            features = HEAD_FIELD.features(self.point, beside(t, v), beside(t, v), np.zeros(1))
            slopes = {HEAD + name: np.broadcast_to(value, v.shape) for name, value in features.items()
                      if HEAD + name in self.parameters}  # fmt: skip
            terms.append(ResidualTerm(v - target, slopes, _size(v, target)))
        return terms

    def _velocity_term(self) -> ResidualTerm:
        u = self.velocity_of(self.point, self.batch.r, self.batch.t, self.batch.y)
        added = self.conduct.correction * self.span() * self.derivative()
        target = self.target_velocity
        slopes = self._slopes(self.batch.r, self.batch.t)
        if not self.conduct.detached:
            for name, value in self._derivative_slopes().items():
                slopes[name] = slopes[name] + self.conduct.correction * self.span() * value
        return ResidualTerm(u + added - target, slopes, _size(u, added, target))

    def _slopes(self, r: Array, t: Array) -> dict[str, Array]:
        """What each parameter adds to u."""
        z = self.point
        shown_r, shown_t = (beside(time, z) for time in self.shown(r, t))
        factor = 1.0 if self.conduct.declared.prediction == "u" else -1 / self.denominator(r, t, z)
        features = self.field.features(z, shown_r, shown_t, beside(self.batch.y, z))
        slopes = {name: factor * value for name, value in features.items() if name in self.parameters}
        return {name: np.broadcast_to(value, z.shape) for name, value in slopes.items()}

    def _derivative_slopes(self) -> dict[str, Array]:
        """What each parameter adds to du/dt, with the tangent held: what flows back where nothing is detached."""
        z, r, t = self.point, self.batch.r, self.batch.t
        shown_r, shown_t = (beside(time, z) for time in self.shown(r, t))
        rates = self.field.feature_rates(z, shown_r, shown_t, self._moves(self.tangent()))
        if self.conduct.declared.prediction == "u":
            return {name: value for name, value in rates.items() if name in self.parameters}
        below = self.denominator(r, t, z)
        growth = np.where(below > self.conduct.clamp, self.conduct.moves[2], 0.0)
        slopes = self._slopes(r, t)
        return {name: -(rates.get(name, 0.0) + growth * slopes[name]) / below for name in slopes}

    def expected(self) -> Expected:
        """Value and gradient of the loss of the batch."""
        gradient = dict.fromkeys(self.parameters, 0.0)
        conduct, count = self.conduct, len(self.batch.t)
        scale = conduct.factor * (1 / count if conduct.batch_reduction == "mean" else 1.0)
        value = raw = 0.0
        for term in self.terms():
            loss_B = _by_sample(term.residual**2) / conduct.divisor
            weighed_B = loss_B if conduct.weight_of == "sample" else np.full_like(loss_B, loss_B.mean())
            base_B = weighed_B**conduct.exponent + conduct.constant
            weight_B = base_B**-conduct.power
            pull_B = weight_B
            if not conduct.weight_detached:
                grown = conduct.exponent * loss_B ** (conduct.exponent - 1)
                pull_B = weight_B - conduct.power * loss_B * grown * base_B ** (-conduct.power - 1)
            if conduct.loss_power != 1:
                pull_B = weight_B * conduct.loss_power * loss_B ** (conduct.loss_power - 1)
            value += scale * float((weight_B * loss_B**conduct.loss_power).sum())
            raw += scale * float(loss_B.sum())
            for name, slope in term.slopes.items():
                pulled = 2 / conduct.divisor * _by_sample(term.residual * slope)
                gradient[name] += scale * float((pull_B * pulled).sum())
        return Expected(value, raw, gradient)


def _size(*parts: Array) -> float:
    return float(max(np.abs(part).max() for part in parts))


def _by_sample(values: Array) -> Array:
    return np.asarray(values.reshape(len(values), -1).sum(1))
