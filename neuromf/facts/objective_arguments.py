"""What the laws of the objective, its derivative and its times ask of facts that are known."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from neuromf_spec.laws.time_integrals import (
    gap_probability,
    larger_time_below,
    mean_squared_gap,
    trained_loss_per_dim,
)
from neuromf_spec.laws.time_support import LONG_GAP

from neuromf.facts.schema import Facts

SMALLEST_T = 1e-9
"""Floor of t where a sampler has none: the integrals over t need not divide by zero."""
FLOATS = {"fp16": "float16", "bf16": "bfloat16", "tf32": "tfloat32", "fp32": "float32", "fp64": "float64"}
SOFTENERS = {"clipped": "a clipped tangent", "normalised": "a normalised tangent"}


def trained_loss(facts: Facts) -> float:
    """Raw loss a dim that a perfect model keeps on unit-variance latents, squared latent units."""
    assert facts.mu is not None
    assert facts.sigma is not None
    floor = max(facts.sampler_t_min or 0.0, SMALLEST_T)
    return trained_loss_per_dim(facts.mu, facts.sigma, floor, uniform_share(facts), second_logit(facts))


def second_logit(facts: Facts) -> tuple[float, float]:
    """Mean and standard deviation of the logit of a pair's second time, of its own or those of the first."""
    mean = facts.mu if facts.r_mu is None else facts.r_mu
    deviation = facts.sigma if facts.r_sigma is None else facts.r_sigma
    assert mean is not None
    assert deviation is not None
    return mean, deviation


def uniform_share(facts: Facts) -> float:
    """Share of all samples whose pair is uniform."""
    assert facts.data_proportion is not None
    return (1 - facts.data_proportion) * (facts.uniform_fraction or 0.0)


def reduced_loss(facts: Facts) -> float:
    """That loss in the unit of the reduction."""
    dims = facts.latent_dims if facts.reduction == "sum" else 1
    return trained_loss(facts) * (math.nan if dims is None else dims)


def fm_share(facts: Facts) -> dict[str, Any]:
    """Arguments of TIME-002."""
    share, size = facts.data_proportion, facts.batch_size
    assert share is not None
    assert size is not None
    # Exact, for 0.29 * 100 falls short of 29 in floating point.
    fm_samples = math.floor(Fraction(share).limit_denominator(1_000_000) * size)
    return {"fm_samples": fm_samples, "samples": size, "data_proportion": share}


def biased_by_clamp(facts: Facts) -> bool:
    """Whether times are drawn for which the clamp of 1/t changes what is learnt."""
    if facts.prediction != "x" or facts.clamp_t_min is None or facts.sampler_t_min is None:
        return False
    return facts.sampler_t_min < facts.clamp_t_min and not facts.target_clamped


def below_clamp(facts: Facts) -> dict[str, Any]:
    """Arguments of TIME-004."""
    if facts.prediction == "u" or facts.clamp_t_min is None:
        return {"share": 0.0, "sampler_t_min": 0.0, "clamp_t_min": 0.0, "prediction": "u"}
    share = _share_below(facts, facts.clamp_t_min) if biased_by_clamp(facts) else 0.0
    floors = {"sampler_t_min": facts.sampler_t_min, "clamp_t_min": facts.clamp_t_min}
    return {"share": share, "prediction": facts.prediction, **floors}


def _share_below(facts: Facts, clamp: float) -> float:
    """P(t < clamp) of the drawn times."""
    assert facts.mu is not None
    assert facts.sigma is not None
    return larger_time_below(clamp, facts.mu, facts.sigma, uniform_share(facts), second_logit(facts))


def long_gaps(facts: Facts) -> dict[str, Any]:
    """Arguments of TIME-005."""
    assert facts.mu is not None
    assert facts.sigma is not None
    assert facts.uniform_fraction is not None
    probability = gap_probability(LONG_GAP, facts.mu, facts.sigma, facts.uniform_fraction, second_logit(facts))
    counts = (facts.batch_size, facts.optimiser_steps, facts.data_proportion)
    if any(count is None for count in counts):
        return {"probability": probability}
    size, steps, share = counts
    return {"probability": probability, "mf_samples": (1 - share) * size * steps}  # type: ignore[operator]


def majority(facts: Facts) -> dict[str, Any]:
    """Arguments of TIME-006."""
    return {"data_proportion": facts.data_proportion, "latent_dims": facts.latent_dims}


def mean_flow_share(facts: Facts) -> dict[str, Any]:
    """Arguments of TIME-007."""
    assert facts.data_proportion is not None
    return {"share": 1 - facts.data_proportion}


def difference(facts: Facts) -> dict[str, Any]:
    """Arguments of JVP-003."""
    if facts.derivative == "exact":
        return {"method": "exact", "step": None, "time_scale": 1.0, "precision": "fp32"}
    arguments: dict[str, Any] = {
        "method": "finite_difference",
        "step": facts.difference_step,
        "time_scale": facts.time_scale,
        "precision": facts.derivative_precision,
        "scheme": facts.derivative,
    }
    if facts.mu is not None and facts.sigma is not None:
        arguments["squared_gap"] = mean_squared_gap(
            facts.mu, facts.sigma, facts.uniform_fraction or 0.0, second_logit(facts)
        )
        if facts.data_proportion is not None:
            arguments["loss"] = trained_loss(facts)
    return arguments


def time_scale(facts: Facts) -> dict[str, Any]:
    """Arguments of JVP-005."""
    soft = [SOFTENERS[facts.tangent_limit]] if facts.tangent_limit in SOFTENERS else []
    soft += ["normalised queries and keys"] if facts.qk_norm else []
    method = "exact" if facts.derivative == "exact" else "finite_difference"
    return {"time_scale": facts.time_scale, "method": method, "softened_by": tuple(soft)}


def token(facts: Facts) -> dict[str, Any]:
    """Arguments of PRED-003."""
    # Of an x-prediction neither is asked for.
    return {"prediction": facts.prediction, "token_dims": facts.token_dims or 0, "token_width": facts.token_width or 0}


def operating_point(facts: Facts) -> dict[str, Any]:
    """Arguments of WGT-005."""
    return {"loss": reduced_loss(facts), "norm_eps": facts.norm_eps, "norm_p": facts.norm_p}


def exponent(facts: Facts) -> dict[str, Any]:
    """Arguments of WGT-006."""
    return {"norm_p": facts.norm_p}


def types(facts: Facts) -> dict[str, Any]:
    """Arguments of PREC-001."""
    exact = facts.derivative == "exact"
    derivative = FLOATS[facts.derivative_precision or "fp32"] if exact else None
    chosen = exact and facts.derivative_precision != "fp32"
    return {"derivative": derivative, "loss": FLOATS[facts.loss_precision or "fp32"], "chosen": chosen}


def embedding(facts: Facts) -> dict[str, Any]:
    """Arguments of PREC-002."""
    return {"time_scale": facts.time_scale, "precision": facts.embedding_precision}
