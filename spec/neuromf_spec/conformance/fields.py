"""Networks of the suite: fields written with operators alone, so that one definition runs in numpy, torch and JAX.

A field is linear in its parameters, base + sum_k p_k phi_k, and knows by hand how it changes along (dz, dr, dt). Its
times are the suite's own: t = 0 is data. Products with a number are few, for torch's forward derivative is slow at
them. Shapes: z (B, ...), times and labels scalar, (B,) or (B, 1, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Value = Any
"""A number or an array of any library."""
Features = dict[str, Value]


class Field(Protocol):
    """A field (z, r, t, y) -> u or x, shaped like z."""

    def base(self, z: Value, r: Value, t: Value) -> Value:
        """The part that no parameter multiplies."""

    def features(self, z: Value, r: Value, t: Value, y: Value) -> Features:
        """What each parameter multiplies: numbers, times or arrays, which stand beside z."""

    def base_rate(self, z: Value, r: Value, t: Value, moves: Moves) -> Value:
        """How the first part changes along a move."""

    def feature_rates(self, z: Value, r: Value, t: Value, moves: Moves) -> Features:
        """How the others do; a label does not move."""


@dataclass(frozen=True)
class Moves:
    """A direction of (z, r, t).

    Attributes:
        dz: velocity, shaped like z.
        dr: rate of r.
        dt: rate of t.
    """

    dz: Value
    dr: float = 0.0
    dt: float = 1.0


def beside(time: Value, z: Value) -> Value:
    """Times or labels (B,) as (B, 1, ...), so that they multiply z."""
    shape = tuple(getattr(time, "shape", ()))
    missing = len(z.shape) - len(shape)
    return time.reshape(shape + (1,) * missing) if shape and missing > 0 else time


def evaluate(field: Field, parameters: Mapping[str, Value], z: Value, r: Value, t: Value, y: Value = 0.0) -> Value:
    """The field's output at points z; parameters that are not given are zero."""
    r, t, y = (beside(part, z) for part in (r, t, y))
    output = field.base(z, r, t)
    for name, feature in field.features(z, r, t, y).items():
        if name in parameters:
            output = output + feature * parameters[name]
    return output


def rate(field: Field, parameters: Mapping[str, Value], z: Value, r: Value, t: Value, moves: Moves) -> Value:
    """How the output changes along a move, by hand."""
    r, t = beside(r, z), beside(t, z)
    change = field.base_rate(z, r, t, moves)
    for name, feature in field.feature_rates(z, r, t, moves).items():
        if name in parameters:
            change = change + parameters[name] * feature
    return change


@dataclass(frozen=True)
class Polynomial:
    """A polynomial of second order; `gap` multiplies (t - r)^2, which is nothing at r = t."""

    def base(self, z: Value, r: Value, t: Value) -> Value:
        """Nothing, in the shape of z."""
        return z - z

    def features(self, z: Value, r: Value, t: Value, y: Value) -> Features:
        """Its terms."""
        return {
            "one": 1.0,
            "z": z,
            "r": r,
            "t": t,
            "gap": (t - r) * (t - r),
            "zz": z * z,
            "zt": z * t,
            "zr": z * r,
            "tt": t * t,
            "label": y,
        }

    def base_rate(self, z: Value, r: Value, t: Value, moves: Moves) -> Value:
        """Nothing, in the shape of z."""
        return z - z

    def feature_rates(self, z: Value, r: Value, t: Value, moves: Moves) -> Features:
        """Their derivatives along a move, term by term."""
        dz, dr, dt = moves.dz, moves.dr, moves.dt
        return {
            "z": dz,
            "r": dr,
            "t": dt,
            "gap": (t - r) * (2.0 * (dt - dr)),
            "zz": 2.0 * z * dz,
            "zt": dz * t + z * dt,
            "zr": dz * r + z * dr,
            "tt": 2.0 * t * dt,
        }


@dataclass(frozen=True)
class Gaussian:
    r"""The exact average velocity of data N(mean, std^2), as an output `u` or as the data `x` = z - t u.

    :math:`u = -\mu + a\,(z - (1-t)\mu)` with :math:`a = N/D`, :math:`N = t + r - s^2(2 - t - r)`,
    :math:`D = \sigma_t(\sigma_t + \sigma_r)`, :math:`\sigma_t^2 = (1-t)^2 s^2 + t^2`.

    Attributes:
        mean: mu.
        std: s.
        prediction: what it puts out.
    """

    mean: float
    std: float
    prediction: str = "u"

    def base(self, z: Value, r: Value, t: Value) -> Value:
        """The exact field."""
        u = self._slope(r, t) * (z - (1.0 - t) * self.mean) - self.mean
        return u if self.prediction == "u" else z - t * u

    def features(self, z: Value, r: Value, t: Value, y: Value) -> Features:
        """What the suite moves it by."""
        return {"one": 1.0, "gap": (t - r) * (t - r)}

    def base_rate(self, z: Value, r: Value, t: Value, moves: Moves) -> Value:
        """Derivative of the exact field along a move."""
        slope, present, past = self._slope(r, t), self._std(t), self._std(r)
        grown, grown_past = self._growth(t) * moves.dt, self._growth(r) * moves.dr
        bottom = present * (present + past)
        bottom_rate = grown * (present + past) + present * (grown + grown_past)
        slope_rate = ((1.0 + self.std**2) * (moves.dt + moves.dr) - slope * bottom_rate) / bottom
        u_rate = slope_rate * (z - (1.0 - t) * self.mean) + slope * (moves.dz + self.mean * moves.dt)
        if self.prediction == "u":
            return u_rate
        u = slope * (z - (1.0 - t) * self.mean) - self.mean
        return moves.dz - moves.dt * u - t * u_rate

    def feature_rates(self, z: Value, r: Value, t: Value, moves: Moves) -> Features:
        """Of the gap alone."""
        return {"gap": (t - r) * (2.0 * (moves.dt - moves.dr))}

    def velocity(self, z: Value, t: Value) -> Value:
        """Marginal velocity E[e - x | z], which u is where r = t."""
        return self._slope(t, t) * (z - (1.0 - t) * self.mean) - self.mean

    def _std(self, t: Value) -> Value:
        return ((1.0 - t) * (1.0 - t) * self.std**2 + t * t) ** 0.5

    def _growth(self, t: Value) -> Value:
        return (t - (1.0 - t) * self.std**2) / self._std(t)

    def _slope(self, r: Value, t: Value) -> Value:
        present, past = self._std(t), self._std(r)
        return ((t + r) - self.std**2 * (2.0 - t - r)) / (present * (present + past))
