"""The laws that a training holds to before its first step and in it, judged on its latents, its net and its batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from neuromf_spec.reference.initial_loss import zero_predictor
from numpy.typing import NDArray
from torch import nn

from neuromf.config.derived import derivative_precision
from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet
from neuromf.facts.objective_arguments import below_clamp, difference
from neuromf.facts.of_config import facts_of
from neuromf.flow.batch import Batch
from neuromf.flow.guidance import guided_rows
from neuromf.monitor.checks.probes import derivative_error, randomised_copy, temporal_ratio
from neuromf.monitor.checks.runtime_checks import LawReading, judge
from neuromf.monitor.guard.guard import guard_arguments
from neuromf.trace.columns import Row, number

PROBE_SEED = 0


def data_reading(latents: LatentSet) -> LawReading:
    """Judge the normalised training latents (N, C, D, H, W) by their moments (law DATA-001)."""
    if not isinstance(latents, torch.Tensor):
        mean_C, square_C = latents.moments.mean(0).chunk(2)
        return judge("DATA-001", mean=mean_C.tolist(), std=(square_C - mean_C.square()).sqrt().tolist())
    channels = latents.double().transpose(0, 1).flatten(1)
    return judge("DATA-001", mean=channels.mean(1).tolist(), std=channels.std(1, correction=0).tolist())


def launch_readings(config: Config, net: nn.Module, batch: Batch) -> Iterator[LawReading]:
    """Judge a run before its first step, on its first batch and a copy of its net with randomised weights."""
    gap = batch.t_B - batch.r_B
    yield judge(
        "TIME-001",
        smallest_r=float(batch.r_B.min()),
        smallest_gap=float(gap.min()),
        smallest_t=float(batch.t_B.min()),
        largest_t=float(batch.t_B.max()),
        t_min=config.time_sampling.t_min,
    )
    facts = facts_of(config)
    yield judge("TIME-004", **below_clamp(facts))
    probe = randomised_copy(net, PROBE_SEED)
    rate = judge("JVP-005", measured_ratio=temporal_ratio(probe, batch), method=config.meanflow.jvp)
    # No key of ours changes the time scale of an own network.
    own = config.unet.factory is not None
    yield replace(rate, finding=replace(rate.finding, passing_value="")) if own else rate
    # Of an own network the scale is not known; the noise of a difference hardly depends on it, its bias is measured.
    asked = {**difference(facts), "time_scale": facts.time_scale or 1.0}
    yield judge("JVP-003", **asked, measured_error=_derivative_bias(config, probe, batch))
    yield judge("GUARD-001", **guard_arguments(config))


def _derivative_bias(config: Config, net: nn.Module, batch: Batch) -> float:
    """Error of the configured derivative; a narrow one is measured in float32, where its bias shows without noise."""
    settings = objective_settings(config.meanflow)
    if derivative_precision(config) == "fp32":
        return derivative_error(net, batch, settings, config.training.precision)
    return derivative_error(net, batch, replace(settings, derivative_precision="fp32"), "fp32")


def first_loss_reading(config: Config, row: Row, batches: list[Batch]) -> LawReading:
    """Judge the first step's raw loss against the closed form of a network that outputs zero (law PRED-002)."""
    x, e, r, t = (
        torch.cat([getattr(batch, name) for batch in batches]).double().cpu().numpy()
        for name in ("x", "e", "r_B", "t_B")
    )
    settings, omega = config.meanflow, _guidance(config, batches)
    kind = settings.prediction, settings.tangent, settings.t_min, omega
    expected = zero_predictor(r, t, *kind).loss(x, e)
    if settings.loss_terms == "dual":
        expected = expected + zero_predictor(t, t, *kind).loss(x, e)
    return judge("PRED-002", measured=number(row, "raw_total"), expected=float(np.mean(expected)))


def _guidance(config: Config, batches: list[Batch]) -> NDArray[np.float64]:
    """Factor of e - x in what each sample is regressed on."""
    settings = objective_settings(config.meanflow)
    rows = [
        torch.zeros_like(batch.t_B) if batch.y_BK is None else guided_rows(batch.y_BK, batch.t_B, settings)
        for batch in batches
    ]
    guided = torch.cat(rows).bool().cpu().numpy()
    return np.where(guided, settings.guidance_scale, 1.0)
