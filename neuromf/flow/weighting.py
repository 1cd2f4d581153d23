"""Reduction of the error and the adaptive weight (laws WGT-001 .. WGT-004, LOSS-002)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


def reduce_dims(
    error: Tensor,
    reduction: Literal["mean", "sum"],
    channel_weights_C: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Loss of each sample from the error of its dims (law WGT-003 relates the two reductions).

    Args:
        error: (B, C, ...), squared or to another power.
        reduction: `mean` over dims, unit squared latent per dim, or `sum`.
        channel_weights_C: factor on each channel (law LOSS-002); None is 1 throughout.
        mask: weight of each cell (B, 1, ...), of mean 1 over the masks, so that both reductions keep their meaning (law
            MASK-001); None is 1 throughout.

    Returns:
        Loss (B,) in float32 or wider.
    """
    error = error if error.dtype == torch.float64 else error.float()
    if channel_weights_C is not None:
        error = error * channel_weights_C.reshape(1, -1, *(1,) * (error.ndim - 2))
    if mask is not None:
        error = error * mask
    flat = error.flatten(1)
    return flat.mean(1) if reduction == "mean" else flat.sum(1)


def adaptive_weight(loss_B: Tensor, norm_eps: float, norm_p: float) -> Tensor:
    r"""Detached weight :math:`w = \mathrm{sg}[(L + c)^{-p}]` (MeanFlow, Eq. 22).

    Args:
        loss_B: per-sample loss.
        norm_eps: c, in the unit of the loss.
        norm_p: p.
    """
    return (loss_B.detach() + norm_eps).pow(-norm_p)


def weighted_loss(loss_B: Tensor, norm_eps: float, norm_p: float) -> Tensor:
    r""":math:`\tilde L = \mathrm{sg}[(L + c)^{-p}]\,L`: its gradient trains, its value says nothing once L >> c."""
    return adaptive_weight(loss_B, norm_eps, norm_p) * loss_B


def potential(loss_B: Tensor, norm_eps: float, norm_p: float) -> Tensor:
    r"""The function of L whose gradient the weighted loss follows (law WGT-004).

    :math:`\Phi(L) = \log(1 + L/c)` for p = 1, else :math:`((L+c)^{1-p} - c^{1-p})/(1-p)`. It has the weighted loss's
    gradient and, for p <= 1, keeps rising with L, so it is what a run reports. For p > 1 it is bounded by
    :math:`c^{1-p}/(p-1)`, which law WGT-002 refuses where it is reached.
    """
    if norm_p == 1:
        return torch.log1p(loss_B / norm_eps)
    exponent = 1 - norm_p
    # expm1 keeps the difference of two nearly equal powers exact when L << c or p is close to 1.
    value: Tensor = norm_eps**exponent * torch.expm1(exponent * torch.log1p(loss_B / norm_eps)) / exponent
    return value


@dataclass(frozen=True)
class Weighting:
    """What the adaptive weight makes of the losses of a batch, term by term and together.

    Attributes:
        loss_TB: loss of each term and sample, detached.
        weight_TB: its weight.
        weighted_B: weighted loss of each sample, the sum over terms, with gradient (law WGT-001).
        potential_B: potential of each sample, the sum over terms, detached (law WGT-004).
    """

    loss_TB: Tensor
    weight_TB: Tensor
    weighted_B: Tensor
    potential_B: Tensor


def weigh(losses_B: Sequence[Tensor], norm_eps: float, norm_p: float) -> Weighting:
    """Weigh the terms' losses, each by its own weight.

    Args:
        losses_B: loss (B,) of each term, with gradient.
        norm_eps: c, in the unit of the losses.
        norm_p: p.
    """
    loss_TB = torch.stack(list(losses_B))
    weight_TB = adaptive_weight(loss_TB, norm_eps, norm_p)
    constant_TB = loss_TB.detach()
    potential_B = potential(constant_TB, norm_eps, norm_p).sum(0)
    return Weighting(constant_TB, weight_TB, (weight_TB * loss_TB).sum(0), potential_B)
