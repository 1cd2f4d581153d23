"""The tangent and du/dt of a batch's MF samples, without gradient: those of several batches in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.flow.batch import Batch, rows_of_mf
from neuromf.flow.guidance import regressed_velocity
from neuromf.flow.jvp import Derivative, Field, derivative_autocast, total_derivative
from neuromf.flow.network import Net, evaluate, told, velocity_field
from neuromf.flow.path import interpolate
from neuromf.flow.settings import ObjectiveSettings


@dataclass(frozen=True)
class MfDerivative:
    """du/dt of the MF samples of a batch.

    Attributes:
        rows: their indices in the batch, in order.
        velocity: what each sample of the whole batch is regressed on (B, ...).
        tangent: velocity along which the derivative was taken (rows, ...).
        derivative: u and du/dt there, likewise.
    """

    rows: Tensor
    velocity: Tensor
    tangent: Tensor
    derivative: Derivative


def mf_derivatives(net: Net, batches: Sequence[Batch], settings: ObjectiveSettings) -> list[MfDerivative]:
    """What each batch is regressed on, and tangent and du/dt of its MF samples, all of them taken in one pass.

    Where r = t the factor (t - r) makes both irrelevant (law ID-002). A sample has the numbers that it has alone, but
    for rounding. On two samples a pass costs 1.4 times as much a sample as on eight, on one sample 4.7 times as much
    (two cores, measured on the network of `recommended` at a quarter of its width).

    Args:
        net: the network, outside any wrapper.
        batches: of one optimiser step, so that they meet the same weights.
        settings: tangent and derivative.
    """
    rows = [rows_of_mf(b.r_B, b.t_B) if b.mf_rows is None else b.mf_rows for b in batches]
    x, e, r_B, t_B = (_of_rows([getattr(batch, name) for batch in batches], rows) for name in ("x", "e", "r_B", "t_B"))
    velocities = [regressed_velocity(net, batch, settings) for batch in batches]
    covariates = [batch.y_BK for batch in batches if batch.y_BK is not None]
    own_net = told(net, _of_rows(covariates, rows) if covariates else None)
    z, v_c = interpolate(x, e, t_B), _of_rows(velocities, rows)
    tangent, derivative = differentiate(own_net, z, v_c, r_B, t_B, settings)
    sizes = [len(own) for own in rows]
    parts = (torch.split(part, sizes) for part in (tangent, derivative.u, derivative.dudt))
    return [
        MfDerivative(own, v, along, Derivative(u, dudt))
        for own, v, along, u, dudt in zip(rows, velocities, *parts, strict=True)
    ]


def _of_rows(parts: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """Some samples of each batch, one batch after another."""
    return torch.cat([part[own] for part, own in zip(parts, rows, strict=True)])


def differentiate(
    net: Net, z: Tensor, v_c: Tensor, r_B: Tensor, t_B: Tensor, settings: ObjectiveSettings
) -> tuple[Tensor, Derivative]:
    """Tangent and du/dt, without gradient.

    Args:
        net: the network, outside any wrapper, told of the covariates of these samples where it is told of any.
        z: points on the path (B, ...), of MF samples alone.
        v_c: conditional velocity, guided where it is, shaped like `z`.
        r_B: start of the interval.
        t_B: time of the point.
        settings: tangent and derivative.
    """
    if not len(z):
        return v_c, Derivative(v_c, v_c)
    field = velocity_field(net, settings)
    # du/dt is linear in its tangent: one in bf16 would carry 1 % into it (law PREC-001).
    with torch.no_grad(), derivative_autocast(settings, z.device.type):
        tangent = _tangent(net, field, z, v_c, t_B, settings)
    return tangent, total_derivative(field, z, r_B, t_B, tangent, settings)


def _tangent(net: Net, field: Field, z: Tensor, v_c: Tensor, t_B: Tensor, settings: ObjectiveSettings) -> Tensor:
    if settings.tangent == "conditional":
        return v_c
    if settings.tangent == "model":
        return field(z, t_B, t_B)
    velocity = evaluate(net, z, t_B, t_B).v_head
    if velocity is None:
        raise ValueError("tangent v_head needs a network with a v-head")
    return velocity
