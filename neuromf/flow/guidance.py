r"""Classifier-free guidance inside the objective: the field that is learned is guided, so that sampling costs nothing.

A network that is told of covariates y, and sometimes of nothing (0), learns

.. math:: v_g(z, t \mid y) = \omega\, v(z, t \mid y) + \kappa\, v_g(z, t \mid y) + (1 - \omega - \kappa)\, v(z, t),

by regression on the same sum with e - x in place of v(z, t | y) and the network's own velocities u(z, t, t) in place of
the two others (MeanFlow, Eq. 19 and its appendix on improved guidance). Solved for v_g, it extrapolates from v(z, t)
through v(z, t | y) by the factor omega / (1 - kappa).
"""

from __future__ import annotations

import torch
from torch import Tensor

from neuromf.flow.batch import Batch
from neuromf.flow.network import Net, known_rows, velocity_field
from neuromf.flow.path import broadcast_time, conditional_velocity, interpolate
from neuromf.flow.settings import ObjectiveSettings


def guided_rows(y_BK: Tensor, t_B: Tensor, settings: ObjectiveSettings) -> Tensor:
    """Samples that are guided: something is known of them, and their time is within the interval."""
    low, high = settings.guidance_interval
    return known_rows(y_BK) & (t_B >= low) & (t_B <= high)


def guide(v_c: Tensor, told_velocity: Tensor, untold_velocity: Tensor, settings: ObjectiveSettings) -> Tensor:
    r"""The regressed velocity :math:`\omega\,v_c + \kappa\,u(z,t,t\mid y) + (1-\omega-\kappa)\,u(z,t,t\mid 0)`.

    Args:
        v_c: conditional velocity e - x.
        told_velocity: the network's velocity with covariates, shaped like `v_c`.
        untold_velocity: its velocity without, likewise.
        settings: omega and kappa.
    """
    scale, mixing = settings.guidance_scale, settings.guidance_mixing
    return scale * v_c + mixing * told_velocity + (1 - scale - mixing) * untold_velocity


def regressed_velocity(net: Net, batch: Batch, settings: ObjectiveSettings) -> Tensor:
    """What each sample of a batch is regressed on, without gradient: e - x, guided where guidance is asked for.

    A sample of which nothing is known keeps e - x: it is what v(z, t) is learned from.

    Args:
        net: the network, outside any wrapper.
        batch: data, noise, times and covariates.
        settings: guidance.

    Raises:
        ValueError: guidance is asked for, and the batch has no covariates.
    """
    v_c = conditional_velocity(batch.x, batch.e)
    y_BK = batch.y_BK
    if not settings.guided:
        return v_c
    if y_BK is None:
        raise ValueError("guidance needs covariates: give the batch its y_BK")
    z = interpolate(batch.x, batch.e, batch.t_B)
    with torch.no_grad():
        untold = velocity_field(net, settings, torch.zeros_like(y_BK))(z, batch.t_B, batch.t_B)
        # Without mixing the factor is zero, and the pass would be for nothing.
        own = velocity_field(net, settings, y_BK)(z, batch.t_B, batch.t_B) if settings.guidance_mixing else untold
        guided = guide(v_c, own, untold, settings)
    rows = guided_rows(y_BK, batch.t_B, settings)
    return torch.where(broadcast_time(rows, v_c), guided, v_c)
