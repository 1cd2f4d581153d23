"""Static checks of the objective and the time sampling: from a configuration to the arguments of their laws."""

from __future__ import annotations

import math
from fractions import Fraction

from neuromf_spec.laws.time_integrals import gap_probability, trained_loss_per_dim
from neuromf_spec.laws.time_support import LONG_GAP

from neuromf.config.derived import RunFacts, derivative_precision, second_logit
from neuromf.config.schema import Config
from neuromf.gate.check import Arguments, Check


def expected_trained_loss(config: Config, facts: RunFacts) -> float:
    """Loss a perfect model keeps on unit-variance latents, in the unit of the configured reduction."""
    times = config.time_sampling
    uniform_share = (1 - times.data_proportion) * times.uniform_fraction
    per_dim = trained_loss_per_dim(times.mu, times.sigma, times.t_min, uniform_share, second_logit(times))
    return per_dim * (facts.latent_dims if config.meanflow.reduction == "sum" else 1)


def _fm_share(config: Config, facts: RunFacts) -> Arguments:
    share, size = config.time_sampling.data_proportion, facts.effective_batch
    # Exact, for 0.29 * 100 falls short of 29 in floating point.
    fm_samples = math.floor(Fraction(share).limit_denominator(1_000_000) * size)
    run = (config.training.epochs, config.training.micro_batches_per_epoch)
    return {"fm_samples": fm_samples, "samples": size, "data_proportion": share, "run": run}


def _floors(config: Config, _: RunFacts) -> Arguments:
    return {"sampler_t_min": config.time_sampling.t_min, "clamp_t_min": config.meanflow.t_min}


def _gap(config: Config, _: RunFacts) -> Arguments:
    times = config.time_sampling
    probability = gap_probability(LONG_GAP, times.mu, times.sigma, times.uniform_fraction, second_logit(times))
    return {"probability": probability}


def _majority(config: Config, facts: RunFacts) -> Arguments:
    return {"data_proportion": config.time_sampling.data_proportion, "latent_dims": facts.latent_dims}


def _difference(config: Config, _: RunFacts) -> Arguments:
    return {
        "method": config.meanflow.jvp,
        "step": config.meanflow.fd_step,
        "time_scale": config.unet.time_scale,
        "precision": derivative_precision(config),
    }


def _embedding(config: Config, _: RunFacts) -> Arguments:
    return {"ratio": config.unet.time_scale}


def _types(config: Config, _: RunFacts) -> Arguments:
    # Losses are reduced in float32.
    kind = {"fp32": "float32", "bf16": "bfloat16"}[derivative_precision(config)]
    return {"derivative": kind, "loss": "float32", "chosen": config.meanflow.derivative_precision is not None}


def _weight(config: Config, facts: RunFacts) -> Arguments:
    loss = expected_trained_loss(config, facts)
    return {"loss": loss, "norm_eps": config.meanflow.norm_eps, "norm_p": config.meanflow.norm_p}


def _report(config: Config, facts: RunFacts) -> Arguments:
    # The trained loss is the lowest of the run: what is saturated there is saturated throughout.
    return {**_weight(config, facts), "reported": config.training.reported_loss}


def _reduction(config: Config, facts: RunFacts) -> Arguments:
    return {
        "reduction": config.meanflow.reduction,
        "norm_eps": config.meanflow.norm_eps,
        "norm_p": config.meanflow.norm_p,
        "dims": facts.latent_dims,
    }


CHECKS = (
    Check("TIME-002", "time_sampling.data_proportion", _fm_share),
    Check("TIME-004", "time_sampling.t_min", _floors),
    Check("TIME-005", "time_sampling.uniform_fraction", _gap),
    Check("TIME-006", "time_sampling.data_proportion", _majority),
    Check("JVP-003", "meanflow.jvp", _difference),
    Check("JVP-005", "unet.time_scale", _embedding),
    Check("PREC-001", "training.precision", _types),
    Check("WGT-002", "training.reported_loss", _report),
    Check("WGT-003", "meanflow.reduction", _reduction),
    Check("WGT-005", "meanflow.norm_eps", _weight),
)
