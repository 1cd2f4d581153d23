"""The total time derivative du/dt along a velocity, exactly or by finite differences (laws JVP-001 .. JVP-003)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad

from neuromf.flow.tangent_rules import TangentRules

Field = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A velocity field (z, r_B, t_B) -> u, shaped like z."""


@dataclass(frozen=True)
class Derivative:
    """A field's value and its total derivative at the same point, both shaped like z."""

    u: Tensor
    dudt: Tensor


def exact_derivative(field: Field, z: Tensor, r_B: Tensor, t_B: Tensor, tangent: Tensor) -> Derivative:
    r"""Forward-mode derivative :math:`du/dt = \partial_z u \cdot v + \partial_t u` (MeanFlow, Eq. 8).

    The tangent of (z, r, t) is (v, 0, 1). Nothing is kept for a backward pass: du/dt is a constant of the target
    (law JVP-002). Autocast is switched off, for a derivative in bf16 is noise (law PREC-001). Price on convolutions:
    two evaluations of the field, one for u and one for the tangent.

    Args:
        field: the average velocity field.
        z: point on the path (B, ...).
        r_B: start of the interval.
        t_B: time of the point.
        tangent: velocity v, shaped like `z`.
    """
    with torch.no_grad(), torch.autocast(z.device.type, enabled=False), TangentRules(), forward_ad.dual_level():
        point, time = forward_ad.make_dual(z, tangent), forward_ad.make_dual(t_B, torch.ones_like(t_B))  # type: ignore[no-untyped-call]
        u, dudt = forward_ad.unpack_dual(field(point, r_B, time))  # type: ignore[no-untyped-call]
        # A field that depends on neither has no tangent at all.
        return Derivative(u, torch.zeros_like(u) if dudt is None else dudt)


def finite_difference(field: Field, z: Tensor, r_B: Tensor, t_B: Tensor, tangent: Tensor, step: float) -> Derivative:
    r"""Forward difference :math:`(u(z + h v, r, t + h) - u(z, r, t))/h`, without gradient.

    Its error grows with h times the time scale and, below, with precision over h: law JVP-003 says when to refuse it.
    It is kept because the failed run used it, and as an oracle in float64.

    Args:
        field: the average velocity field.
        z: point on the path (B, ...).
        r_B: start of the interval.
        t_B: time of the point.
        tangent: velocity v, shaped like `z`.
        step: h.
    """
    with torch.no_grad():
        u = field(z, r_B, t_B)
        ahead = field(z + step * tangent, r_B, t_B + step)
    return Derivative(u, (ahead - u) / step)
