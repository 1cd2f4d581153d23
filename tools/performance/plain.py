"""The plain formulation of MeanFlow, as public codes write it: one derivative of the whole batch, with its graph kept.

It stands beside the trainer's own in the benchmark; its V and gradients are the oracle of the shortcuts taken there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.flow.batch import Batch
from neuromf.flow.network import Net, evaluate
from neuromf.flow.path import broadcast_time
from neuromf.flow.settings import ObjectiveSettings
from neuromf.flow.weighting import adaptive_weight


@dataclass(frozen=True)
class PlainObjective:
    """Attributes: weighted_B, loss of each sample with gradient; compound, V, shaped like the latents."""

    weighted_B: Tensor
    compound: Tensor


def plain_objective(net: Net, batch: Batch, settings: ObjectiveSettings) -> PlainObjective:
    """Evaluate the single-term objective with `torch.func.jvp` over every sample (MeanFlow, Algorithm 1).

    Args:
        net: network that carries gradient.
        batch: data, noise and times.
        settings: prediction, tangent (`conditional` or `model`), clamp, reduction and weight.
    """
    time = broadcast_time(batch.t_B, batch.x)
    z, v_c = (1 - time) * batch.x + time * batch.e, batch.e - batch.x

    def field(point: Tensor, t: Tensor, r: Tensor) -> Tensor:
        output = evaluate(net, point, r, t).prediction
        return output if settings.prediction == "u" else (point - output) / _clamped(t, settings.t_min, point)

    with torch.no_grad():
        tangent = v_c if settings.tangent == "conditional" else field(z, batch.t_B, batch.t_B)
    result = torch.func.jvp(
        lambda point, t: field(point, t, batch.r_B), (z, batch.t_B), (tangent, torch.ones_like(batch.t_B))
    )
    u, dudt = result[0], result[1]
    compound = u + broadcast_time(batch.t_B - batch.r_B, z) * dudt.detach()
    error = (compound - v_c).square().flatten(1)
    loss_B = error.mean(1) if settings.reduction == "mean" else error.sum(1)
    return PlainObjective(adaptive_weight(loss_B, settings.norm_eps, settings.norm_p) * loss_B, compound.detach())


def _clamped(t_B: Tensor, smallest: float, like: Tensor) -> Tensor:
    return broadcast_time(t_B.clamp(min=smallest), like)
