"""What a configuration means in steps, samples and dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config, TimeSamplingConfig

FIRST_STEPS = 10
"""Of a run; what is wrong from the beginning is seen in these, so that all their numbers are kept."""


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """Counts that follow from a configuration alone.

    Attributes:
        optimiser_steps: updates in the whole run.
        steps_per_epoch: updates in one epoch, a fraction when the accumulation does not divide it.
        effective_batch: samples in one update, over all ranks and micro-batches.
        mf_samples_per_update: expected samples with r < t in one update.
        latent_dims: numbers in one latent, D.
        loss_terms: weighted terms added up in the objective.
        idle_micro_batches: of a rank, at the end of the run, too few for an update: they train nothing.
    """

    optimiser_steps: int
    steps_per_epoch: float
    effective_batch: int
    mf_samples_per_update: float
    latent_dims: int
    loss_terms: int
    idle_micro_batches: int


def run_facts(config: Config) -> RunFacts:
    """Count steps, samples and dimensions of `config`."""
    training = config.training
    effective_batch = training.batch_size_per_gpu * training.gpus * training.gradient_accumulation_steps
    micro_batches = training.epochs * training.micro_batches_per_epoch
    return RunFacts(
        optimiser_steps=micro_batches // training.gradient_accumulation_steps,
        steps_per_epoch=training.micro_batches_per_epoch / training.gradient_accumulation_steps,
        effective_batch=effective_batch,
        mf_samples_per_update=(1 - config.time_sampling.data_proportion) * effective_batch,
        latent_dims=math.prod(config.latent_shape),
        loss_terms={"single": 1, "dual": 2}[config.meanflow.loss_terms],
        idle_micro_batches=micro_batches % training.gradient_accumulation_steps,
    )


def derivative_precision(config: Config) -> Literal["fp32", "tf32", "bf16"]:
    """Number type in which the network is evaluated for du/dt (law PREC-001)."""
    asked, exact = config.meanflow.derivative_precision, config.meanflow.jvp == "exact"
    return asked or ("fp32" if exact else config.training.precision)


def second_logit(times: TimeSamplingConfig) -> tuple[float, float]:
    """Mean and standard deviation of the logit of a pair's second time, of its own or those of the first."""
    mean, deviation = times.r_mu, times.r_sigma
    return times.mu if mean is None else mean, times.sigma if deviation is None else deviation


def pair_settings(config: Config) -> dict[str, Any]:
    """What the table of forbidden pairs is asked about (law CFG-002): every key, and the updates in the run."""
    return {**flat_config(config), "optimiser_steps": run_facts(config).optimiser_steps}


def epoch_of_step(config: Config, step: int) -> int:
    """Epoch in which optimiser step `step` (from 0) consumes its last micro-batch."""
    training = config.training
    return ((step + 1) * training.gradient_accumulation_steps - 1) // training.micro_batches_per_epoch


def weights_are_measured(config: Config, step: int) -> bool:
    """Whether step `step` (from 0) reads all weights for its trace row: the first ten, one in so many, an epoch's last.

    A reading passes over every weight some times more, which is a few hundredths of a short step and nothing of a long.
    """
    if step < FIRST_STEPS or (step + 1) % config.training.measure_weights_every_steps == 0:
        return True
    ends_epoch = epoch_of_step(config, step + 1) != epoch_of_step(config, step)
    return ends_epoch or step + 1 == run_facts(config).optimiser_steps
