"""Evidence in the configuration alone, known before a training: the laws of the causes, judged on plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

from neuromf_spec.law import Finding
from neuromf_spec.laws.time_integrals import trained_loss_per_dim
from neuromf_spec.laws.time_support import SUPPORT
from neuromf_spec.registry import law

from neuromf.config.derived import RunFacts, derivative_precision, run_facts, second_logit
from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, law_reading

BELOW_CLAMP = CalibratedRange(healthy=SUPPORT, faulty=0.1)
"""Share of samples drawn below the clamp of 1/t, where the target is biased. Derived: law TIME-005 holds one in 1,000
to be the least that is learnt from; a tenth biases a tenth of the loss."""


def law_findings(config: Config) -> dict[str, Finding]:
    """Laws of the suspects, by id, judged on the configuration."""
    facts = run_facts(config)
    return {law_id: law(law_id).predicate(**arguments(config, facts)) for law_id, arguments in ARGUMENTS.items()}


def config_signs(config: Config, findings: dict[str, Finding]) -> Iterator[tuple[str, SignReading]]:
    """Signs by name: each law's id, and `below_clamp`."""
    for law_id, finding in findings.items():
        yield law_id, law_reading(law_id, law(law_id).title, finding)
    share = share_below_clamp(config)
    yield "below_clamp", BELOW_CLAMP.place(share, f"{share:.2g} of the samples have t below the clamp of 1/t")


def share_below_clamp(config: Config) -> float:
    """P(t < meanflow.t_min) of the drawn times, 0 where the sampler's own floor is not below it."""
    times, clamp = config.time_sampling, config.meanflow.t_min
    if not times.t_min < clamp:
        return 0.0
    uniform_share = (1 - times.data_proportion) * times.uniform_fraction
    logit = math.log(clamp) - math.log1p(-clamp)
    # t is the larger of two, hence the products (law TIME-003).
    logit_normal = NormalDist(times.mu, times.sigma).cdf(logit) * NormalDist(*second_logit(times)).cdf(logit)
    return (1 - uniform_share) * logit_normal + uniform_share * clamp**2


def trained_loss(config: Config) -> float:
    """Raw loss of one term that a perfect model keeps on unit-variance Gaussian latents, squared latent per dim."""
    times = config.time_sampling
    uniform_share = (1 - times.data_proportion) * times.uniform_fraction
    return trained_loss_per_dim(times.mu, times.sigma, times.t_min, uniform_share, second_logit(times))


def _difference(config: Config, _: RunFacts) -> dict[str, Any]:
    return {
        "method": config.meanflow.jvp,
        "step": config.meanflow.fd_step,
        "time_scale": config.unet.time_scale,
        "precision": derivative_precision(config),
    }


def _types(config: Config, _: RunFacts) -> dict[str, Any]:
    # Losses are reduced in float32.
    kind = {"fp32": "float32", "bf16": "bfloat16"}[derivative_precision(config)]
    return {"derivative": kind, "loss": "float32", "chosen": config.meanflow.derivative_precision is not None}


def _report(config: Config, facts: RunFacts) -> dict[str, Any]:
    settings = config.meanflow
    loss = trained_loss(config) * (facts.latent_dims if settings.reduction == "sum" else 1)
    reported = config.training.reported_loss
    return {"loss": loss, "norm_eps": settings.norm_eps, "norm_p": settings.norm_p, "reported": reported}


def _batch(config: Config, _: RunFacts) -> dict[str, Any]:
    training = config.training
    return {
        "batch_size_per_gpu": training.batch_size_per_gpu,
        "gpus": training.gpus,
        "gradient_accumulation_steps": training.gradient_accumulation_steps,
        "data_proportion": config.time_sampling.data_proportion,
    }


ARGUMENTS: dict[str, Callable[[Config, RunFacts], dict[str, Any]]] = {
    "JVP-003": _difference,
    "JVP-005": lambda config, _: {"ratio": config.unet.time_scale},
    "PREC-001": _types,
    "LR-003": lambda c, f: {"warmup_steps": c.training.warmup_steps, "optimiser_steps": f.optimiser_steps},
    "OPT-001": lambda c, f: {
        "beta1": c.training.beta1,
        "beta2": c.training.beta2,
        "optimiser_steps": f.optimiser_steps,
    },
    "BATCH-001": _batch,
    "TIME-006": lambda c, f: {"data_proportion": c.time_sampling.data_proportion, "latent_dims": f.latent_dims},
    "TIME-004": lambda c, _: {"sampler_t_min": c.time_sampling.t_min, "clamp_t_min": c.meanflow.t_min},
    "WGT-002": _report,
}
"""The arguments with which each law is judged, computed from a configuration."""
