"""A run's cost on a GPU: does its micro-batch fit, how long does it take, what does it leave on disk."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.config.derived import derivative_precision, run_facts
from neuromf.config.schema import Config
from neuromf.nets.weight_copies import FLOAT, saved_copies
from neuromf.plan.encoding import encoding_flops
from neuromf.plan.gpus import GIB, RESERVED_GIB, Gpu
from neuromf.plan.step_cost import StepCost, step_bytes, step_cost

ASSUMPTION = "operations counted, at an assumed share of the data sheet's rate; nothing was measured on a GPU yet"


@dataclass(frozen=True)
class Plan:
    """What a run asks for. GiB are 2^30 bytes.

    Attributes:
        gpu: what it is planned for.
        gpus: of the run.
        parameters: of the network.
        micro_batch: samples of a forward pass.
        state_gib: weights, moments and average, on each GPU.
        step_gib: gradients and activations besides, on each GPU.
        peak_gib: both.
        memory_gib: what a GPU has for them.
        largest_micro_batch: that fits; 0 where none does.
        step_tflop: operations of an optimiser step, all GPUs together.
        samples_per_second: all GPUs together.
        steps: optimiser steps of the run.
        gpu_hours: of the whole run, all GPUs together.
        checkpoint_gib: of one checkpoint.
        kept_checkpoints: at a time.
        latents_gib: of the cohort's latents; None where no cohort is known.
        encoding_gpu_hours: of the cohort's scans, in float32; None where no cohort or no autoencoder is known.
        assumption: where the seconds come from.
    """

    gpu: str
    gpus: int
    parameters: int
    micro_batch: int
    state_gib: float
    step_gib: float
    peak_gib: float
    memory_gib: float
    largest_micro_batch: int
    step_tflop: float
    samples_per_second: float
    steps: int
    gpu_hours: float
    checkpoint_gib: float
    kept_checkpoints: int
    latents_gib: float | None
    encoding_gpu_hours: float | None
    assumption: str

    @property
    def fits(self) -> bool:
        """Whether the run's own micro-batch does."""
        return self.peak_gib <= self.memory_gib


def plan(config: Config, gpu: Gpu, scans: int | None = None) -> Plan:
    """Estimate a run.

    Args:
        config: the run.
        gpu: that each of its processes has.
        scans: of its cohort, if known.
    """
    training, facts = config.training, run_facts(config)
    size = training.batch_size_per_gpu
    own = step_cost(config, size)
    double_bytes = step_bytes(config, 2 * size)
    room = gpu.memory_gib - RESERVED_GIB
    seconds = _step_seconds(own, config, gpu)
    kept = training.keep_last_checkpoints + training.keep_best_checkpoints + bool(training.validate_every_epochs)
    return Plan(
        gpu=gpu.name,
        gpus=training.gpus,
        parameters=own.parameters,
        micro_batch=size,
        state_gib=own.state_bytes / GIB,
        step_gib=own.step_bytes / GIB,
        peak_gib=own.peak_bytes / GIB,
        memory_gib=room,
        largest_micro_batch=_largest(own, double_bytes, size, room * GIB),
        step_tflop=own.flops * facts.effective_batch / size / 1e12,
        samples_per_second=facts.effective_batch / seconds,
        steps=facts.optimiser_steps,
        gpu_hours=facts.optimiser_steps * seconds * training.gpus / 3600,
        checkpoint_gib=saved_copies(config) * FLOAT * own.parameters / GIB,
        kept_checkpoints=kept,
        latents_gib=None if scans is None else scans * facts.latent_dims * FLOAT / GIB,
        encoding_gpu_hours=None if scans is None else _encoding_hours(config, gpu, scans),
        assumption=ASSUMPTION,
    )


def _step_seconds(cost: StepCost, config: Config, gpu: Gpu) -> float:
    """Of an optimiser step on one GPU, which has its share of the effective batch."""
    training = config.training
    passes = gpu.seconds(cost.forward_flops, training.precision)
    derivative = gpu.seconds(cost.derivative_flops, derivative_precision(config))
    return (passes + derivative) * training.gradient_accumulation_steps


def _encoding_hours(config: Config, gpu: Gpu, scans: int) -> float | None:
    flops = encoding_flops(config)
    return None if flops is None else scans * gpu.seconds(flops, "fp32") / 3600


def _largest(own: StepCost, double_bytes: int, size: int, room: float) -> int:
    """Memory grows by the same for each sample more: the line through two sizes, as far as there is room."""
    each = (double_bytes - own.step_bytes) / size
    fixed = own.peak_bytes - each * size
    return max(0, int((room - fixed) / each))
