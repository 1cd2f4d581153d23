r"""Raw loss of a network whose output is zero, before it has learnt anything (law PRED-002).

Then u = 0 (u-prediction) or u = z/max(t, t_min) (x-prediction), so that the compound velocity is a combination
:math:`V = \alpha x + \beta (e - x)` whose coefficients depend on the times, the parametrisation and the tangent alone.
So is the velocity that is regressed on: e - x, or guided :math:`\omega (e - x) + (1 - \omega) u(z, t, t)`, for both of
the network's own velocities are the same. A run whose raw loss is above this level is worse than predicting nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tangent = Literal["conditional", "model", "v_head"]


@dataclass(frozen=True)
class ZeroPredictor:
    """The error of a zero-output network as alpha x + beta (e - x).

    Attributes:
        on_data: alpha (B,).
        on_velocity: beta (B,).
    """

    on_data: Array
    on_velocity: Array

    def loss(self, x: Array, e: Array) -> Array:
        """Mean square of the error over the dims of each sample (B, ...), in squared latent units per dim."""
        shape = (-1, *(1,) * (x.ndim - 1))
        residual = self.on_data.reshape(shape) * x + self.on_velocity.reshape(shape) * (e - x)
        mean: Array = (residual**2).reshape(len(x), -1).mean(1)
        return mean

    def expected_loss(self, data_variance: float) -> Array:
        """Its expectation over x with mean square `data_variance` and standard normal e, for each pair of times."""
        return (self.on_data - self.on_velocity) ** 2 * data_variance + self.on_velocity**2


def zero_predictor(
    r: Array,
    t: Array,
    prediction: Literal["u", "x"],
    tangent: Tangent,
    t_min: float,
    omega: Array | None = None,
) -> ZeroPredictor:
    """Coefficients of V less what is regressed on.

    Args:
        r: start of the interval (B,).
        t: time (B,).
        prediction: what the network outputs.
        tangent: velocity along which du/dt is taken; `model` is u(z, t, t), a `v_head` outputs zero as well.
        t_min: clamp of 1/t.
        omega: factor of e - x in what each sample is regressed on (B,), 1 for one that is not guided (law GUIDE-001);
            None guides none.
    """
    omega = np.ones_like(t) if omega is None else omega
    if prediction == "u":
        return ZeroPredictor(np.zeros_like(t), -omega)
    clamped = np.maximum(t, t_min)
    # z = x + t (e - x), hence u = z/clamped has these coefficients on x and on e - x.
    u_data, u_velocity = 1 / clamped, t / clamped
    target_data, target_velocity = (1 - omega) * u_data, omega + (1 - omega) * u_velocity
    tangent_data, tangent_velocity = {
        "conditional": (target_data, target_velocity),
        "model": (u_data, u_velocity),
        "v_head": (np.zeros_like(t), np.zeros_like(t)),
    }[tangent]
    # d_t of 1/max(t, t_min) is -1/t^2 above the clamp and 0 below it. At the clamp, where the sampler's floor puts
    # times that may since have been rounded to float32, it is the derivative from above.
    inverse_rate = np.where(t >= t_min * (1 - np.finfo(np.float32).eps), -1 / clamped**2, 0.0)
    dudt_data = tangent_data / clamped + inverse_rate
    dudt_velocity = tangent_velocity / clamped + inverse_rate * t
    on_data, on_velocity = u_data + (t - r) * dudt_data, u_velocity + (t - r) * dudt_velocity
    return ZeroPredictor(on_data - target_data, on_velocity - target_velocity)
