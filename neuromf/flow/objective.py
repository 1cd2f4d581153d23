"""The MeanFlow objective of one batch: prediction, tangent, derivative, compound velocity, weighted loss.

Cost: tangent and derivative are evaluated on the MF samples alone and without gradient (`mf_derivatives`); then one
forward pass with gradient covers the batch (and, with dual terms, the MF samples once more at r = t).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.flow.batch import Batch
from neuromf.flow.jvp import Derivative
from neuromf.flow.mf_derivative import MfDerivative, mf_derivatives
from neuromf.flow.network import Net, evaluate, told
from neuromf.flow.path import broadcast_time, interpolate
from neuromf.flow.prediction import average_velocity
from neuromf.flow.settings import ObjectiveSettings
from neuromf.flow.weighting import Weighting, reduce_dims, weigh


@dataclass(frozen=True)
class Term:
    """One weighted term of the objective on some samples of the batch.

    Attributes:
        loss_B: reduced loss of each sample, with gradient: of the error to `loss_power`, in the cells that are kept.
        squared_error: squared error of every dim, detached; the raw loss, whatever the power and the mask.
    """

    loss_B: Tensor
    squared_error: Tensor


@dataclass(frozen=True)
class Objective:
    """A batch's objective and everything the trace records about it; all but `terms` and the weighted loss is detached.

    Attributes:
        terms: name -> term; `velocity` on all samples, `flow` on all (dual), `v_head` on all.
        is_mf_B: samples with r < t.
        mf_rows: their places in the batch.
        z: point on the path.
        v_c: what each sample is regressed on: conditional velocity, or guided (law GUIDE-001).
        u: average velocity of each sample.
        derivative: u and du/dt of the MF samples, in order.
        tangent: velocity along which the derivative was taken, of the MF samples.
        target: v_c - (t - r) du/dt, what u is regressed on.
        weighting: weight, weighted loss (with gradient) and potential of the terms.
    """

    terms: dict[str, Term]
    is_mf_B: Tensor
    mf_rows: Tensor
    z: Tensor
    v_c: Tensor
    u: Tensor
    derivative: Derivative
    tangent: Tensor
    target: Tensor
    weighting: Weighting

    @property
    def weighted_B(self) -> Tensor:
        """Weighted loss of each sample, the sum over terms; its gradient trains the net (law WGT-001)."""
        return self.weighting.weighted_B

    @property
    def potential_B(self) -> Tensor:
        """Potential of the weighted loss, the sum over terms: the reported objective (law WGT-004)."""
        return self.weighting.potential_B


def meanflow_objective(
    net: Net,
    batch: Batch,
    settings: ObjectiveSettings,
    channel_weights_C: Tensor | None = None,
    derivative_net: Net | None = None,
    known: MfDerivative | None = None,
) -> Objective:
    r"""Evaluate the objective :math:`\|u + (t-r)\,\mathrm{sg}[du/dt] - v_c\|^2` and its companions.

    Args:
        net: network that carries gradient.
        batch: data, noise, times and, where a part of the loss is left out, the mask of every term (law MASK-002).
        settings: prediction, tangent, derivative, terms and reduction.
        channel_weights_C: factor on each channel's squared error.
        derivative_net: the same network outside any wrapper, for the derivative; `net` when None.
        known: the derivative, where it was taken together with that of other batches (`mf_derivatives`).
    """
    z = interpolate(batch.x, batch.e, batch.t_B)
    found = known or mf_derivatives(derivative_net or net, [batch], settings)[0]
    rows, v_c, derivative = found.rows, found.velocity, found.derivative
    outputs = _forward(net, z, batch, rows, settings)
    interval = broadcast_time(batch.t_B - batch.r_B, z)
    correction = torch.zeros_like(z).index_copy(0, rows, interval[rows] * derivative.dudt.to(z.dtype))
    terms = {"velocity": _term(outputs.u + correction, v_c, settings, channel_weights_C, batch.mask)}
    if settings.loss_terms == "dual":
        terms["flow"] = _term(outputs.u_at_t, v_c, settings, channel_weights_C, batch.mask)
    if outputs.v_head is not None:
        terms["v_head"] = _term(outputs.v_head, v_c, settings, channel_weights_C, batch.mask)
    with torch.autocast(z.device.type, enabled=False):
        weighting = weigh([term.loss_B for term in terms.values()], settings.norm_eps, settings.norm_p)
    target = (v_c - correction).detach()
    is_mf_B = batch.r_B < batch.t_B
    return Objective(terms, is_mf_B, rows, z, v_c, outputs.u.detach(), derivative, found.tangent, target, weighting)


@dataclass(frozen=True)
class _Outputs:
    u: Tensor
    u_at_t: Tensor
    v_head: Tensor | None


def _term(
    prediction: Tensor,
    v_c: Tensor,
    settings: ObjectiveSettings,
    channel_weights_C: Tensor | None,
    mask: Tensor | None,
) -> Term:
    error = prediction.to(v_c.dtype) - v_c
    squared_error = error.square()
    power = settings.loss_power
    # Not from the squares, whose root has no gradient at zero.
    powered = squared_error if power == 2 else error.abs().pow(power)
    return Term(reduce_dims(powered, settings.reduction, channel_weights_C, mask), squared_error.detach())


def _forward(net: Net, z: Tensor, batch: Batch, rows: Tensor, settings: ObjectiveSettings) -> _Outputs:
    """One pass with gradient; dual terms append the MF samples at r = t, for an FM sample is at r = t already."""
    r_B, t_B, y_BK, size = batch.r_B, batch.t_B, batch.y_BK, len(z)
    if settings.loss_terms == "dual":
        z, r_B, t_B = torch.cat([z, z[rows]]), torch.cat([r_B, t_B[rows]]), torch.cat([t_B, t_B[rows]])
        y_BK = None if y_BK is None else torch.cat([y_BK, y_BK[rows]])
    output = evaluate(told(net, y_BK), z, r_B, t_B)
    u = average_velocity(output.prediction, z, t_B, settings.prediction, settings.t_min)
    u_at_t = u[:size].index_copy(0, rows, u[size:]) if settings.loss_terms == "dual" else u
    return _Outputs(u[:size], u_at_t, None if output.v_head is None else output.v_head[:size])
