"""The facts of a configuration of our own trainer: all of them known, but for a network of the user's own."""

from __future__ import annotations

from typing import Any

from neuromf.config.derived import derivative_precision, run_facts, second_logit
from neuromf.config.schema import Config
from neuromf.facts.schema import Facts

CONFIG_KEYS = {
    "prediction": "meanflow.prediction",
    "clamp_t_min": "meanflow.t_min",
    "reduction": "meanflow.reduction",
    "norm_eps": "meanflow.norm_eps",
    "norm_p": "meanflow.norm_p",
    "derivative": "meanflow.jvp",
    "difference_step": "meanflow.fd_step",
    "derivative_precision": "training.precision",
    "time_scale": "unet.time_scale",
    "embedding_precision": "unet.embedding_precision",
    "mu": "time_sampling.mu",
    "sigma": "time_sampling.sigma",
    "r_mu": "time_sampling.r_mu",
    "r_sigma": "time_sampling.r_sigma",
    "uniform_fraction": "time_sampling.uniform_fraction",
    "sampler_t_min": "time_sampling.t_min",
    "data_proportion": "time_sampling.data_proportion",
    "batch_size": "training.gradient_accumulation_steps",
    "optimiser_steps": "training.epochs",
    "optimiser": "training.optimiser",
    "learning_rate": "training.learning_rate",
    "lr_schedule": "training.lr_schedule",
    "warmup_steps": "training.warmup_steps",
    "beta1": "training.beta1",
    "beta2": "training.beta2",
    "weight_decay": "training.weight_decay",
    "ema_decay": "ema.decay",
}
"""The configuration key through which a user changes a fact; a fact that is not here has none."""


def facts_of(config: Config) -> Facts:
    """Every fact of `config`."""
    counts = run_facts(config)
    return Facts(
        latent_dims=counts.latent_dims,
        token_dims=config.vae.latent_channels,
        initialised_from="scratch" if config.training.init_from is None else "meanflow",
        guidance="from_start" if config.meanflow.guided else "none",
        target_clamped=False,
        loss_precision="fp32",
        tangent_limit="none",
        batch_size=counts.effective_batch,
        optimiser_steps=counts.optimiser_steps,
        ema_decay=config.ema.decay,
        **_network(config),
        **_objective(config),
        **_times(config),
        **_optimiser(config),
    )


def _network(config: Config) -> dict[str, Any]:
    """What the sections say of our own network; of one that other code builds they say nothing."""
    unet, narrow = config.unet, config.training.precision == "bf16"
    if unet.factory is not None:
        return {}
    return {
        "token_width": unet.channels[0],
        "qk_norm": False,
        # Unless it follows the network, the sinusoids of the scaled time are taken in float32.
        "embedding_precision": "bf16" if unet.embedding_precision == "network" and narrow else "fp32",
        "time_scale": unet.time_scale,
    }


def _objective(config: Config) -> dict[str, Any]:
    settings = config.meanflow
    return {
        "prediction": settings.prediction,
        "clamp_t_min": settings.t_min,
        "reduction": settings.reduction,
        "norm_eps": settings.norm_eps,
        "norm_p": settings.norm_p,
        "derivative": "exact" if settings.jvp == "exact" else settings.fd_scheme,
        "difference_step": settings.fd_step,
        "derivative_precision": derivative_precision(config),
    }


def _times(config: Config) -> dict[str, Any]:
    times = config.time_sampling
    names = ("mu", "sigma", "uniform_fraction", "data_proportion")
    known = {"sampler_t_min": times.t_min, "time_order": "sorted"} | {name: getattr(times, name) for name in names}
    # One of the two alone is enough here: the other is that of the first time.
    mean, deviation = second_logit(times)
    return known if (mean, deviation) == (times.mu, times.sigma) else known | {"r_mu": mean, "r_sigma": deviation}


def _optimiser(config: Config) -> dict[str, Any]:
    names = ("optimiser", "learning_rate", "lr_schedule", "warmup_steps", "beta1", "beta2", "weight_decay")
    return {name: getattr(config.training, name) for name in names}
