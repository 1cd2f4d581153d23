"""One optimiser step: micro-batches, gradient, clip, update, average, and the row that records it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.flow.objective import meanflow_objective
from neuromf.monitor.coverage import Coverage, coverage, unmoved
from neuromf.monitor.guard import Level, Verdict
from neuromf.trace.columns import Row
from neuromf.train import measure
from neuromf.train.batches import BatchSource, micro_batch_hash, step_hash
from neuromf.train.distributed import as_vector, synchronised
from neuromf.train.optim import clip, gradients, root_mean_square, set_learning_rate
from neuromf.train.schedule import lr_multiplier
from neuromf.train.state import TrainState


@dataclass(frozen=True)
class StepRecord:
    """What one step leaves behind.

    Attributes:
        row: its trace row.
        verdict: the guard's word on it.
        block_norms: gradient norm of each block, when diagnostics are on.
        coverage: what the optimiser holds and what it moved.
    """

    row: Row
    verdict: Verdict
    block_norms: dict[str, float]
    coverage: Coverage


def train_step(state: TrainState, source: BatchSource, config: Config) -> StepRecord:
    """Advance `state` by one optimiser step, unless its loss or gradient is not finite (law NUM-001)."""
    state.optimiser.zero_grad(set_to_none=True)
    sums, digest = _accumulate(state, source, config)
    learning_rate = config.training.learning_rate * lr_multiplier(
        state.step, run_facts(config).optimiser_steps, config.training.warmup_steps, config.training.lr_schedule
    )
    gradient = _gradient_columns(state, config)
    readings = _read_back({**sums, **gradient.readings})
    row: Row = {"step": state.step, "batch_hash": digest, **measure.row_from_sums(readings)}
    row |= {"grad_norm": readings["grad_norm"], "grad_zeros": readings["grad_zeros"], "lr": learning_rate}
    verdict = state.guard.observe(_number(row, "raw_total"), readings["grad_norm"])
    limit = config.training.gradient_clip
    row["clip_frac"] = float(limit is not None and not readings["grad_norm"] <= limit)
    update = _update(state, config, learning_rate, gradient.norm, frozen=verdict.level is Level.NONFINITE)
    row |= update.columns
    blocks = {name[6:]: value for name, value in readings.items() if name.startswith("block.")}
    return StepRecord(row, verdict, blocks, coverage(state.model, state.optimiser, update.still))


def _number(row: Row, name: str) -> float:
    value = row[name]
    return math.nan if value is None else float(value)


def _accumulate(state: TrainState, source: BatchSource, config: Config) -> tuple[measure.Sums, str]:
    """Back-propagate the mean weighted loss over the effective batch, this rank's micro-batches one at a time."""
    # Ranks average their gradients, so that each counts its own share `size` times.
    scale = state.world.size / run_facts(config).effective_batch
    sums: measure.Sums | None = None
    digests = []
    shares = state.world.share(source.micro_batches())
    for index, (start, size) in enumerate(shares):
        batch = source.draw(state.step, start, size)
        with synchronised(state.net, last=index == len(shares) - 1):
            with _autocast(source.device.type, config.training.precision):
                objective = meanflow_objective(
                    state.net, batch, config.meanflow, state.channel_weights_C, derivative_net=state.model
                )
            (objective.weighted(config.meanflow).sum() * scale).backward()  # type: ignore[no-untyped-call]
        sums = measure.add(sums, measure.measure(objective, batch, config.meanflow))
        digests.append(micro_batch_hash(batch))
    assert sums is not None  # an effective batch holds at least one sample
    totals = state.world.total(as_vector(sums))
    return dict(zip(sums, totals, strict=True)), step_hash(state.world.collect(digests))


def _autocast(device: str, precision: str) -> torch.autocast:
    # Without the cache of cast weights: a copy made in the derivative's no_grad would carry no gradient afterwards.
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


@dataclass(frozen=True)
class _Gradient:
    norm: Tensor
    readings: dict[str, Tensor]


def _gradient_columns(state: TrainState, config: Config) -> _Gradient:
    grads = gradients(state.model)
    norm = torch.nn.utils.get_total_norm(grads)
    zeros = torch.stack([(grad == 0).sum() for grad in grads]).sum() / sum(grad.numel() for grad in grads)
    readings = {"grad_norm": norm, "grad_zeros": zeros}
    if config.training.diagnostics:
        for name, block in state.model.blocks().items():
            parts = gradients(block)
            if parts:
                readings[f"block.{name}"] = torch.nn.utils.get_total_norm(parts)
    return _Gradient(norm, readings)


def _read_back(tensors: dict[str, Tensor]) -> dict[str, float]:
    """One transfer from the device for all readings of the step."""
    values = as_vector(tensors).tolist()
    return dict(zip(tensors, values, strict=True))


@dataclass(frozen=True)
class _Update:
    columns: Row
    still: int


def _update(state: TrainState, config: Config, learning_rate: float, norm: Tensor, *, frozen: bool) -> _Update:
    """Apply the gradient and average the weights, or leave everything as it is when `frozen`."""
    limit = config.training.gradient_clip
    parameters = list(state.model.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    if not frozen:
        if limit is not None:
            clip(state.model, norm, limit)
        set_learning_rate(state.optimiser, learning_rate)
        state.optimiser.step()
        state.ema.update(state.model)
        state.step += 1
    with torch.no_grad():
        moved = torch._foreach_sub([parameter.detach() for parameter in parameters], before)
        rate = 0.0 if frozen else learning_rate
        columns = {
            "update_rms": root_mean_square(moved),
            "param_rms": root_mean_square(parameter.detach() for parameter in parameters),
            "ema_gap": state.ema.gap(state.model),
            "still": unmoved(parameters, moved, rate, config.training.adam_eps),
        }
    values = _read_back(columns)
    return _Update({name: values[name] for name in ("update_rms", "param_rms", "ema_gap")}, int(values["still"]))
