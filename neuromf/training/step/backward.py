"""Forward and backward passes over an effective batch: micro-batches, ranks, and the gradient's own numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.config.derived import run_facts, weights_are_measured
from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.flow.number_type import computed_in, tf32
from neuromf.flow.times import fm_mask
from neuromf.training.batches.source import BatchSource, step_hash
from neuromf.training.process_group.ranks import synchronised
from neuromf.training.process_group.step_exchange import StepExchange, exchange
from neuromf.training.step import metrics
from neuromf.training.step.fault_probe import FaultProbe
from neuromf.training.step.optimiser import gradients, nonzeros, norms_of
from neuromf.training.step.state import TrainState

Share = tuple[int, int]
"""First sample of a micro-batch, and how many it has."""
BLOCK = "block."
"""Before the name of a block, among the readings."""


@dataclass(frozen=True)
class BackwardPass:
    """What the forward and backward passes of a step found.

    Attributes:
        readings: sums over the effective batch and gradient norms, read back.
        digest: of the samples.
        norm: of the gradient, on the device.
        finite: by rank, whether its own sums were.
    """

    readings: dict[str, float]
    digest: str
    norm: Tensor
    finite: tuple[bool, ...]

    def block_norms(self) -> dict[str, float]:
        """Gradient norm of each block; empty without diagnostics, or where weights are not measured."""
        return {name[len(BLOCK) :]: value for name, value in self.readings.items() if name.startswith(BLOCK)}


def backward(state: TrainState, source: BatchSource, config: Config, probe: FaultProbe) -> BackwardPass:
    """Leave the mean gradient of the weighted loss in the parameters, the same on each rank.

    Args:
        state: model, optimiser and process group.
        source: of the micro-batches.
        config: the run.
        probe: looks for silent faults on the way.
    """
    state.optimiser.zero_grad(set_to_none=True)
    probe.before_backward()
    told = _accumulate(state, source, config, probe)
    gradient, finite = _gradient_columns(state, config), told.finite()
    readings = metrics.read_back({**told.totals(), **finite, **gradient})
    # The gradient is the same on all ranks unless one's memory is not: then none may go on alone.
    broken = not math.isfinite(readings["grad_norm"])
    if state.group.any(broken) and not broken:
        readings["grad_norm"] = math.nan
    return BackwardPass(
        readings, step_hash(told.digests()), gradient["grad_norm"], tuple(readings[name] == 1 for name in finite)
    )


def _accumulate(state: TrainState, source: BatchSource, config: Config, probe: FaultProbe) -> StepExchange:
    """Back-propagate the mean weighted loss over the effective batch, this rank's micro-batches one at a time."""
    # Ranks average their gradients, so that each counts its own share `size` times.
    effective_batch = run_facts(config).effective_batch
    scale = state.group.size / effective_batch
    sums: metrics.Sums | None = None
    digests = []
    shares = state.group.share(source.micro_batches())
    left, precision = len(shares), config.training.precision
    for group in sharing_a_derivative(shares, config, state.step):
        batches = [source.draw(state.step, start, size) for start, size in group]
        with computed_in(precision, source.device.type):
            derivatives = state.loss.derivatives(batches)
        for batch, derivative in zip(batches, derivatives, strict=True):
            left -= 1
            with synchronised(state.net, last=left == 0), tf32(precision == "tf32"):
                with computed_in(precision, source.device.type):
                    loss = state.net(batch, derivative)
                (loss.weighted_B.sum() * scale).backward()
            part = metrics.measure(loss.objective, batch, objective_settings(config.meanflow))
            sums = metrics.add(sums, part | probe.data_sums(batch.x))
            digests.append(batch.digest)
    assert sums is not None  # an effective batch holds at least one sample
    return exchange(state.group, sums, digests, effective_batch // state.group.size)


def sharing_a_derivative(shares: Sequence[Share], config: Config, step: int) -> list[list[Share]]:
    """Successive micro-batches whose derivative is taken in one pass: together as many MF samples as one may hold.

    Args:
        shares: first sample and number of samples of each micro-batch.
        config: the run.
        step: optimiser step, which decides how many of each are FM samples (law TIME-002).
    """
    first = step * run_facts(config).effective_batch
    groups: list[list[Share]] = []
    held = 0
    for start, size in shares:
        samples = int((~fm_mask(first + start, size, config.time_sampling.data_proportion)).sum())
        if groups and held + samples <= config.training.batch_size_per_gpu:
            groups[-1].append((start, size))
            held += samples
        else:
            groups.append([(start, size)])
            held = samples
    return groups


def _gradient_columns(state: TrainState, config: Config) -> dict[str, Tensor]:
    grads = gradients(state.parameters)
    whole = len(grads) == len(state.parameters)
    numbers = state.numbers if whole else sum(grad.numel() for grad in grads)
    norms = norms_of(grads)
    readings = {"grad_norm": torch.linalg.vector_norm(norms)}
    if not weights_are_measured(config, state.step):
        return readings
    readings["grad_zeros"] = (numbers - nonzeros(grads)) / numbers
    if config.training.diagnostics:
        blocks = state.blocks if whole else state.blocks_with_gradient()
        readings |= {f"{BLOCK}{name}": torch.linalg.vector_norm(norms[places]) for name, places in blocks.items()}
    return readings
