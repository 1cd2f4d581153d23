"""The laws that a training holds to while it runs, judged by the predicates the static gate uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from neuromf_spec.law import Finding
from neuromf_spec.reference.initial_loss import zero_predictor
from neuromf_spec.registry import law
from torch import nn

from neuromf.config.derived import RunFacts, derivative_precision, run_facts
from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet
from neuromf.facts.objective_arguments import below_clamp, difference
from neuromf.facts.of_config import facts_of
from neuromf.flow.batch import Batch
from neuromf.monitor.checks.probes import derivative_error, randomised_copy, temporal_ratio
from neuromf.monitor.checks.trace_summary import fm_count
from neuromf.monitor.guard.guard import guard_arguments
from neuromf.trace.columns import Row, number, number_or_none

PROBE_SEED = 0


@dataclass(frozen=True)
class LawReading:
    """One law judged once."""

    law_id: str
    finding: Finding


@dataclass
class LawLog:
    """The first broken reading of each law, else its latest, and how often it was judged."""

    readings: dict[str, Finding] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, readings: Iterable[LawReading]) -> None:
        """Take in readings; once a law fell, the finding that felled it stays."""
        for reading in readings:
            self.counts[reading.law_id] = self.counts.get(reading.law_id, 0) + 1
            known = self.readings.get(reading.law_id)
            if known is None or known.passed:
                self.readings[reading.law_id] = reading.finding


def judge(law_id: str, **numbers: object) -> LawReading:
    """Judge plain numbers by a law's predicate."""
    return LawReading(law_id, law(law_id).predicate(**numbers))


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
    settings = config.meanflow
    expected = zero_predictor(r, t, settings.prediction, settings.tangent, settings.t_min).loss(x, e)
    if settings.loss_terms == "dual":
        expected = expected + zero_predictor(t, t, settings.prediction, settings.tangent, settings.t_min).loss(x, e)
    return judge("PRED-002", measured=number(row, "raw_total"), expected=float(np.mean(expected)))


def reduced_loss(config: Config, row: Row, facts: RunFacts | None = None) -> float:
    """Raw loss of one term of a sample in the unit of the configured reduction, which norm_eps is compared with."""
    facts = facts or run_facts(config)
    per_dim = number(row, "raw_total") / facts.loss_terms
    return per_dim * (facts.latent_dims if config.meanflow.reduction == "sum" else 1)


def step_readings(config: Config, row: Row, facts: RunFacts | None = None) -> Iterator[LawReading]:
    """Judge one finished step by its trace row; `facts` of the run, where they are at hand, are not counted again."""
    facts = facts or run_facts(config)
    yield judge("NUM-001", loss=number(row, "raw_total"), gradient_norm=number(row, "grad_norm"))
    yield judge("OBS-001", recorded=_recorded(row), channels=config.vae.latent_channels)
    yield from _schedule_readings(config, facts, row)
    yield judge(
        "TIME-002",
        fm_samples=fm_count(number(row, "frac_fm"), facts.effective_batch),
        samples=facts.effective_batch,
        data_proportion=config.time_sampling.data_proportion,
    )
    settings = config.meanflow
    yield judge(
        "WGT-002",
        loss=reduced_loss(config, row, facts),
        norm_eps=settings.norm_eps,
        norm_p=settings.norm_p,
        reported=config.training.reported_loss,
    )
    rho = number_or_none(row, "rho")
    if rho is not None:
        yield judge("JVP-006", rho=rho)


def _schedule_readings(config: Config, facts: RunFacts, row: Row) -> Iterator[LawReading]:
    training = config.training
    multiplier = number(row, "lr") / training.learning_rate
    step = int(number(row, "step"))
    if step == 0:
        yield judge("LR-001", multiplier=multiplier, schedule=training.lr_schedule, warmup_steps=training.warmup_steps)
    yield judge(
        "LR-002",
        multiplier=multiplier,
        step=step,
        total_steps=facts.optimiser_steps,
        warmup_steps=training.warmup_steps,
        schedule=training.lr_schedule,
    )


def _recorded(row: Row) -> list[str]:
    """Columns with a value; raw_fm or raw_mf cannot have one in a step without such samples."""
    absent = {0.0: "raw_fm", 1.0: "raw_mf"}.get(number(row, "frac_fm"))
    return [name for name, value in row.items() if value is not None or name == absent]
