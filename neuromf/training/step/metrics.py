"""What a step records about itself: sums over micro-batches that become one row of the trace."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import cast

import torch
from neuromf_spec.laws.weight_regime import SATURATED
from torch import Tensor

from neuromf.flow.batch import Batch
from neuromf.flow.objective import Objective
from neuromf.flow.path import broadcast_time
from neuromf.flow.settings import ObjectiveSettings
from neuromf.trace.columns import BatchColumns, channels_in
from neuromf.training.process_group.ranks import as_vector

Sums = dict[str, Tensor]
"""Name -> float64 scalar, additive over micro-batches and ranks."""


def measure(objective: Objective, batch: Batch, settings: ObjectiveSettings) -> Sums:
    """Sums over one micro-batch; nothing here is read back from the device."""
    return {name: value.detach().double().sum() for name, value in _quantities(objective, batch, settings)}


def add(total: Sums | None, part: Sums) -> Sums:
    """Add one micro-batch's sums to those before it."""
    return part if total is None else {name: total[name] + part[name] for name in total}


def _quantities(objective: Objective, batch: Batch, settings: ObjectiveSettings) -> Iterator[tuple[str, Tensor]]:
    is_mf_B = objective.is_mf_B
    interval_B = batch.t_B - batch.r_B
    yield "samples", torch.ones_like(interval_B)
    yield "mf_samples", is_mf_B
    yield "t", batch.t_B
    yield "h", interval_B
    yield "z", _mean_square(objective.z)
    yield "v", _mean_square(objective.v_c)
    yield "u", _mean_square(objective.u)
    yield "target", _mean_square(objective.target)
    yield from _derivative_quantities(objective, interval_B)
    yield from _loss_quantities(objective, is_mf_B)
    yield from _weight_quantities(objective, settings)


def _derivative_quantities(objective: Objective, interval_B: Tensor) -> Iterator[tuple[str, Tensor]]:
    dudt, tangent = objective.derivative.dudt, objective.tangent
    length = interval_B[objective.mf_rows]  # by place: a mask would wait for the device
    moved = (broadcast_time(length, dudt) * dudt).flatten(1).norm(dim=1)
    size = objective.derivative.u.flatten(1).norm(dim=1) + tangent.flatten(1).norm(dim=1)
    yield "dudt", _mean_square(dudt)
    # A zero net has u = v = du/dt = 0 before its first step: that is rho = 0, not 0/0.
    yield "rho", moved / size.clamp(min=torch.finfo(size.dtype).tiny)


def _loss_quantities(objective: Objective, is_mf_B: Tensor) -> Iterator[tuple[str, Tensor]]:
    velocity_BC = _channel_means(objective.terms["velocity"].squared_error)
    flow = objective.terms.get("flow")
    flow_BC = torch.zeros_like(velocity_BC) if flow is None else _channel_means(flow.squared_error)
    if flow is None:
        yield "raw_fm", velocity_BC.mean(1) * ~is_mf_B
        yield "fm_samples", ~is_mf_B
    else:
        yield "raw_fm", flow_BC.mean(1)
        yield "fm_samples", torch.ones_like(is_mf_B)
    yield "raw_mf", velocity_BC.mean(1)[objective.mf_rows]
    yield "raw_total", (velocity_BC + flow_BC).mean(1)
    for channel in range(velocity_BC.shape[1]):
        yield f"raw_ch{channel}", (velocity_BC + flow_BC)[:, channel]
    if "v_head" in objective.terms:
        yield "raw_v_head", _channel_means(objective.terms["v_head"].squared_error).mean(1)


def _weight_quantities(objective: Objective, settings: ObjectiveSettings) -> Iterator[tuple[str, Tensor]]:
    weighting = objective.weighting
    yield "weights", torch.ones_like(weighting.weight_TB)
    yield "w", weighting.weight_TB
    yield "saturated", weighting.loss_TB / settings.norm_eps > SATURATED
    yield "weighted", weighting.weighted_B
    yield "objective", weighting.potential_B


def _mean_square(values: Tensor) -> Tensor:
    return values.double().flatten(1).square().mean(1)


def _channel_means(squared_error: Tensor) -> Tensor:
    return squared_error.double().flatten(2).mean(2)


def batch_columns(sums: Mapping[str, float]) -> BatchColumns:
    """Columns from `t_mean` to `objective` of one step.

    Args:
        sums: totals over the effective batch, already read back.
    """
    samples, mf_samples, fm_samples, weights = (
        sums[name] for name in ("samples", "mf_samples", "fm_samples", "weights")
    )
    channels = {name: sums[name] / samples for name in channels_in(sums)}
    columns = {
        "t_mean": sums["t"] / samples,
        "h_mean": sums["h"] / samples,
        "frac_fm": 1 - mf_samples / samples,
        "z_rms": math.sqrt(sums["z"] / samples),
        "v_rms": math.sqrt(sums["v"] / samples),
        "u_rms": math.sqrt(sums["u"] / samples),
        "dudt_rms": math.sqrt(sums["dudt"] / mf_samples) if mf_samples else None,
        "rho": sums["rho"] / mf_samples if mf_samples else None,
        "target_rms": math.sqrt(sums["target"] / samples),
        "raw_fm": sums["raw_fm"] / fm_samples if fm_samples else None,
        "raw_mf": sums["raw_mf"] / mf_samples if mf_samples else None,
        "raw_total": sums["raw_total"] / samples,
        **channels,
        "raw_v_head": sums["raw_v_head"] / samples if "raw_v_head" in sums else None,
        "w_mean": sums["w"] / weights,
        "w_sat": sums["saturated"] / weights,
        "weighted": sums["weighted"] / samples,
        "objective": sums["objective"] / samples,
    }
    return cast("BatchColumns", columns)  # its type names four channels


def read_back(tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """One transfer from the device for all readings."""
    return dict(zip(tensors, as_vector(tensors).tolist(), strict=True))
