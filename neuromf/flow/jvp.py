"""The total time derivative du/dt along a velocity, exactly or by finite differences (laws JVP-001 .. JVP-003)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad

from neuromf.flow.number_type import computed_in
from neuromf.flow.path import broadcast_time
from neuromf.flow.settings import NumberType, ObjectiveSettings
from neuromf.flow.tangent_rules import TangentRules

Field = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A velocity field (z, r_B, t_B) -> u, shaped like z."""


@dataclass(frozen=True)
class Derivative:
    """A field's value and its total derivative at the same point, both shaped like z."""

    u: Tensor
    dudt: Tensor


def total_derivative(
    field: Field, z: Tensor, r_B: Tensor, t_B: Tensor, tangent: Tensor, settings: ObjectiveSettings
) -> Derivative:
    """The derivative that the settings ask for, in the number type that they ask for.

    Args:
        field: the average velocity field.
        z: point on the path (B, ...).
        r_B: start of the interval.
        t_B: time of the point.
        tangent: velocity v, shaped like `z`.
        settings: method, step and scheme of a finite difference, number type, clamp of 1/t.
    """
    if settings.jvp == "exact":
        return exact_derivative(field, z, r_B, t_B, tangent, settings.derivative_precision or "fp32")
    step = settings.fd_step
    assert step is not None  # the settings couple the two
    with derivative_autocast(settings, z.device.type):
        if settings.fd_scheme == "central":
            return central_difference(field, z, r_B, t_B, tangent, step, settings.t_min)
        return finite_difference(field, z, r_B, t_B, tangent, step)


def derivative_autocast(settings: ObjectiveSettings, device: str) -> AbstractContextManager[object]:
    """The number type of the passes for du/dt and its tangent: the one that is asked for, or as it is around them.

    Args:
        settings: of the objective.
        device: type of device that the passes run on.
    """
    asked: NumberType | None = settings.derivative_precision or ("fp32" if settings.jvp == "exact" else None)
    return nullcontext() if asked is None else computed_in(asked, device)


def exact_derivative(
    field: Field, z: Tensor, r_B: Tensor, t_B: Tensor, tangent: Tensor, precision: NumberType = "fp32"
) -> Derivative:
    r"""Forward-mode derivative :math:`du/dt = \partial_z u \cdot v + \partial_t u` (MeanFlow, Eq. 8).

    The tangent of (z, r, t) is (v, 0, 1). Nothing is kept for a backward pass: du/dt is a constant of the target
    (law JVP-002). Autocast is switched off, for a derivative in bf16 is off by per cents, one in TF32 by 0.2 % (law
    PREC-001). Price on convolutions: two evaluations of the field, one for u and one for the tangent.

    Args:
        field: the average velocity field.
        z: point on the path (B, ...).
        r_B: start of the interval.
        t_B: time of the point.
        tangent: velocity v, shaped like `z`.
        precision: number type in which the field is evaluated, whatever it is around.
    """
    island = computed_in(precision, z.device.type)
    with torch.no_grad(), island, TangentRules(), forward_ad.dual_level():
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


def central_difference(
    field: Field, z: Tensor, r_B: Tensor, t_B: Tensor, tangent: Tensor, step: float, t_min: float = 0.0
) -> Derivative:
    r"""Central difference :math:`(u(z + h v, r, t + h) - u(z - h v, r, t - h))/(2 h)`, without gradient.

    Its error falls as h^2. Two evaluations, as the forward difference has: u is interpolated between them, right to the
    order of h^2 as well. Published with h = 0.005 (Transition Models, arXiv:2509.04394), there without regard to
    borders. Here no evaluation is further from t than the border is, for u is trained where max(r, t_min) <= t <= 1
    alone, and 1/max(t, t_min) has a kink at t_min: nearer than h to a border that arm is shorter, the difference is
    divided by the sum of its arms, and the error is of first order. Beside r that is made up for, since du/dt is
    multiplied by t - r < h then; beside 1 and t_min it stays. A sample below t_min has the forward difference.

    Args:
        field: the average velocity field.
        z: point on the path (B, ...).
        r_B: start of the interval.
        t_B: time of the point.
        tangent: velocity v, shaped like `z`.
        step: h.
        t_min: smallest t that the field is smooth from.
    """
    ahead_B = (1 - t_B).clamp(0, step)
    behind_B = (t_B - r_B.clamp(min=t_min)).clamp(0, step)
    # At t = 1 = r, and nowhere else, both arms have no length; such a sample is no MF sample.
    width_B = ahead_B + behind_B
    ahead, behind, width = (broadcast_time(arm_B, z) for arm_B in (ahead_B, behind_B, width_B))
    with torch.no_grad():
        after = field(z + ahead * tangent, r_B, t_B + ahead_B)
        before = field(z - behind * tangent, r_B, t_B - behind_B)
    return Derivative((behind * after + ahead * before) / width, (after - before) / width)
