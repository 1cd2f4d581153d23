"""A training of the bilinear network, written out step by step from the formulas alone (laws JVP-002 .. LR-002).

Nothing is differentiated automatically and nothing is shared with the trainer: the gradient is the hand-computed one,
the optimiser and the average are their own references. The trainer must reproduce every number of every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuromf_spec.reference.adam import adamw
from neuromf_spec.reference.bilinear import BilinearNet
from neuromf_spec.reference.ema import average
from neuromf_spec.reference.weighting import potential, weight, weighted_loss

Array = NDArray[np.float64]
CHANNELS = 4
"""Of a latent; the dims of a sample are those of its first channel, then of its second, and so on."""
SATURATED = 10.0
"""L/c above which the weight is 1/L^p."""
CLIP_EPSILON = 1e-6
"""Added to the norm by torch's clip; part of the rule, for it is seen at a norm near the limit."""


@dataclass(frozen=True)
class StepInput:
    """Data and noise (B, n), times (B,) and the weight of each dim in the loss (B, n) of one optimiser step."""

    x: Array
    e: Array
    r: Array
    t: Array
    mask: Array


@dataclass(frozen=True, kw_only=True)
class HandSettings:
    """What the reference needs to know.

    Attributes:
        tangent: `conditional` or `model`.
        dual: add the flow-matching term.
        mean: average the error over dims instead of summing it.
        power: p of the error |V - v_c|^p.
        norm_eps: c, in the unit of the reduced loss.
        norm_p: p.
        beta1: decay of Adam's first moment.
        beta2: decay of its second.
        epsilon: Adam's.
        weight_decay: decoupled.
        clip: largest gradient norm, None for no clip.
        ema_decay: of the average.
    """

    tangent: str
    dual: bool
    mean: bool
    power: float
    norm_eps: float
    norm_p: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    clip: float | None
    ema_decay: float


def train_by_hand(
    net: BilinearNet, steps: Sequence[StepInput], learning_rates: Sequence[float], settings: HandSettings
) -> list[dict[str, float]]:
    """Columns of the trace of a training of `net`, one dictionary a step."""
    start = _vector(net)
    theta, gradients, weights, rows = start, list[Array](), list[Array](), []
    for index, step in enumerate(steps):
        row, raw = _loss_and_gradient(_network(theta, net), step, settings)
        norm = float(np.linalg.norm(raw))
        factor = 1.0 if settings.clip is None else min(1.0, settings.clip / (norm + CLIP_EPSILON))
        gradients.append(raw * factor)
        former, theta = theta, _adam(start, gradients, learning_rates[: index + 1], settings)
        weights.append(theta)
        mean = average(start, weights, settings.ema_decay)
        row |= {
            "step": float(index),
            "grad_norm": norm,
            "grad_zeros": float((raw == 0).mean()),
            "clip_frac": float(settings.clip is not None and norm > settings.clip),
            "lr": learning_rates[index],
            "update_rms": _rms(theta - former),
            "param_rms": _rms(theta),
            "ema_gap": float(np.linalg.norm(mean - theta) / np.linalg.norm(theta)),
        }
        rows.append(row)
    return rows


def _loss_and_gradient(net: BilinearNet, step: StepInput, settings: HandSettings) -> tuple[dict[str, float], Array]:
    t = step.t[:, None]
    z, v_c = (1 - t) * step.x + t * step.e, step.e - step.x
    dims = z.shape[1] if settings.mean else 1
    tangent = v_c if settings.tangent == "conditional" else net.average_velocity(z, step.t, step.t)
    errors = {"velocity": (step.r, net.compound_velocity(z, step.r, step.t, tangent) - v_c)}
    if settings.dual:
        errors["flow"] = (step.t, net.average_velocity(z, step.t, step.t) - v_c)
    losses = {name: (step.mask * np.abs(error) ** settings.power).sum(1) / dims for name, (_, error) in errors.items()}
    gradient = sum(
        (
            _vector(
                net.gradient(
                    z,
                    start,
                    step.t,
                    step.mask * _slope(error, settings.power),
                    weight(losses[name], settings.norm_eps, settings.norm_p) / dims,
                )
            )
            for name, (start, error) in errors.items()
        ),
        start=np.zeros(_vector(net).shape),
    )
    velocities = _velocity_columns(net, z, v_c, step, tangent)
    return velocities | _loss_columns(z, v_c, step, errors, losses, settings), gradient


def _slope(error: Array, power: float) -> Array:
    """Half the derivative of |error|^power, which at a power of 2 is the error."""
    return power / 2 * np.abs(error) ** (power - 1) * np.sign(error)


def _velocity_columns(net: BilinearNet, z: Array, v_c: Array, step: StepInput, tangent: Array) -> dict[str, float]:
    """What the trace holds of the velocity, of its derivative and of what it is regressed on."""
    u, dudt = net.average_velocity(z, step.r, step.t), net.time_derivative(z, step.t, tangent)
    moved = (step.t - step.r)[:, None] * dudt
    row, is_mf = {"u_rms": _rms(u), "target_rms": _rms(v_c - moved)}, step.r < step.t
    if is_mf.any():
        length, size, reach = (np.linalg.norm(field[is_mf], axis=1) for field in (moved, u, tangent))
        row |= {"dudt_rms": _rms(dudt[is_mf]), "rho": float((length / (size + reach)).mean())}
    return row


def _loss_columns(
    z: Array,
    v_c: Array,
    step: StepInput,
    errors: dict[str, tuple[Array, Array]],
    losses: dict[str, Array],
    settings: HandSettings,
) -> dict[str, float]:
    is_mf = step.r < step.t
    per_dim = {name: (error**2).mean(1) for name, (_, error) in errors.items()}
    flow = per_dim["flow"] if settings.dual else per_dim["velocity"][~is_mf]
    values = np.stack(list(losses.values()))
    squares = sum((error**2 for _, error in errors.values()), start=np.zeros_like(z))
    of_channel = squares.reshape(len(z), CHANNELS, -1).mean((0, 2))
    c, p = settings.norm_eps, settings.norm_p
    row = {
        "t_mean": step.t.mean(),
        "h_mean": (step.t - step.r).mean(),
        "frac_fm": 1 - is_mf.mean(),
        "z_rms": _rms(z),
        "v_rms": _rms(v_c),
        "raw_total": sum(per_dim.values()).mean(),
        **{f"raw_ch{channel}": value for channel, value in enumerate(of_channel)},
        "w_mean": weight(values, c, p).mean(),
        "w_sat": (values / c > SATURATED).mean(),
        "weighted": weighted_loss(values, c, p).sum(0).mean(),
        "objective": np.mean([sum(potential(float(loss), c, p) for loss in sample) for sample in values.T]),
    }
    if is_mf.any():
        row["raw_mf"] = per_dim["velocity"][is_mf].mean()
    if len(flow):
        row["raw_fm"] = flow.mean()
    return {name: float(value) for name, value in row.items()}


def _adam(start: Array, gradients: list[Array], rates: Sequence[float], settings: HandSettings) -> Array:
    return adamw(
        start,
        gradients,
        rates,
        beta1=settings.beta1,
        beta2=settings.beta2,
        epsilon=settings.epsilon,
        weight_decay=settings.weight_decay,
    )[-1]


def _vector(net: BilinearNet) -> Array:
    return np.concatenate([part.ravel() for part in (net.matrix, net.time, net.start, net.product)])


def _network(vector: Array, like: BilinearNet) -> BilinearNet:
    n = len(like.time)
    matrix, rest = vector[: n * n].reshape(n, n), vector[n * n :].reshape(3, n)
    return BilinearNet(matrix, *rest)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
