"""One optimiser step: micro-batches, gradient, clip, update, average, and the row that records it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.config.derived import run_facts
from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.monitor.checks.step_checks import StepChecks
from neuromf.monitor.guard.alarm import Level, RawLosses, Verdict
from neuromf.trace.columns import Row
from neuromf.training.batches.source import BatchSource, step_hash
from neuromf.training.process_group.ranks import as_vector, synchronised
from neuromf.training.step import metrics as measure
from neuromf.training.step.fault_probe import StepObserver
from neuromf.training.step.optimiser import clip, gradients, root_mean_square, set_learning_rate
from neuromf.training.step.rerun import irreproducible_elsewhere, judge_rerun
from neuromf.training.step.schedule import lr_multiplier
from neuromf.training.step.state import TrainState

NOT_APPLIED = (Level.NONFINITE, Level.IRREPRODUCIBLE)
"""Verdicts after which weights, average and schedule stay as they are (law NUM-001)."""


@dataclass(frozen=True)
class StepRecord:
    """What one step leaves behind.

    Attributes:
        row: its trace row.
        verdict: the guard's word on it.
        block_norms: gradient norm of each block, when diagnostics are on.
        checks: silent faults that were looked for; None in a step that is not judged.
    """

    row: Row
    verdict: Verdict
    block_norms: dict[str, float]
    checks: StepChecks | None


def train_step(state: TrainState, source: BatchSource, config: Config) -> StepRecord:
    """Advance `state` by one optimiser step, unless its numbers are not finite or do not repeat (NUM-001, NUM-002)."""
    observer = StepObserver(state, config)
    learning_rate = config.training.learning_rate * lr_multiplier(
        state.step, run_facts(config).optimiser_steps, config.training.warmup_steps, config.training.lr_schedule
    )
    found = _backward(state, source, config, observer)
    row: Row = {"step": state.step, "batch_hash": found.digest, **measure.row_from_sums(found.readings)}
    row |= {name: found.readings[name] for name in ("grad_norm", "grad_zeros")} | {"lr": learning_rate}
    verdict = _judge(state, source, config, observer, found, _raw_losses(row))
    limit = config.training.gradient_clip
    row["clip_frac"] = float(limit is not None and not found.readings["grad_norm"] <= limit)
    frozen = verdict.level in NOT_APPLIED
    columns = _update(state, config, learning_rate, found.norm, observer, frozen=frozen)
    row |= {name: columns[name] for name in ("update_rms", "param_rms", "ema_gap")}
    blocks = {name[6:]: value for name, value in found.readings.items() if name.startswith("block.")}
    return StepRecord(row, verdict, blocks, None if frozen else observer.result(columns, found.readings))


def settle(state: TrainState, source: BatchSource, config: Config) -> None:
    """One backward pass, where ranks share a step, whose gradients the first step of a run or of its resumption drops.

    torch lays out the buckets of gradients anew after the first one, and three ranks or more add up in an order that
    depends on the layout: a resumed run would round its first step in another way than the undisturbed (CKPT-001).
    """
    if state.world.size > 1:
        _backward(state, source, config, StepObserver(state, config))


def _judge(
    state: TrainState,
    source: BatchSource,
    config: Config,
    observer: StepObserver,
    found: _Backward,
    losses: RawLosses,
) -> Verdict:
    """The guard's verdict, the same on all ranks; a step with a new alarm is run again first (law NUM-002)."""
    before = state.guard.state()
    verdict = state.guard.observe(losses)
    if verdict.fresh and config.training.monitors:
        again = _backward(state, source, config, observer)
        verdict = judge_rerun(verdict, found.readings, again.readings, found.finite, config.training.deterministic)
        here = verdict.level is Level.IRREPRODUCIBLE
        if state.world.any(here):
            verdict = verdict if here else irreproducible_elsewhere(verdict)
            # The step was not taken: a run that goes on elsewhere judges it as if for the first time.
            state.guard.load_state(before)
    return verdict


def _raw_losses(row: Row) -> RawLosses:
    total, flow, meanflow, norm = (row[name] for name in ("raw_total", "raw_fm", "raw_mf", "grad_norm"))
    return RawLosses(
        total=math.nan if total is None else float(total),
        flow=None if flow is None else float(flow),
        meanflow=None if meanflow is None else float(meanflow),
        gradient_norm=math.nan if norm is None else float(norm),
    )


@dataclass(frozen=True)
class _Backward:
    """Forward and backward passes of a step.

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


def _backward(state: TrainState, source: BatchSource, config: Config, observer: StepObserver) -> _Backward:
    state.optimiser.zero_grad(set_to_none=True)
    observer.before_backward()
    sums, digest = _accumulate(state, source, config, observer)
    gradient = _gradient_columns(state, config)
    readings = _read_back({**sums, **gradient})
    # The gradient is the same on all ranks unless one's memory is not: then none may go on alone.
    broken = not math.isfinite(readings["grad_norm"])
    if state.world.any(broken) and not broken:
        readings["grad_norm"] = math.nan
    ranks = [name for name in readings if name.startswith("finite.")]
    return _Backward(readings, digest, gradient["grad_norm"], tuple(readings[name] == 1 for name in ranks))


def _accumulate(
    state: TrainState, source: BatchSource, config: Config, observer: StepObserver
) -> tuple[measure.Sums, str]:
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
                loss = state.net(batch)
            (loss.weighted_B.sum() * scale).backward()
        part = measure.measure(loss.objective, batch, objective_settings(config.meanflow)) | observer.data_sums(batch.x)
        sums = measure.add(sums, part)
        digests.append(batch.digest)
    assert sums is not None  # an effective batch holds at least one sample
    own = as_vector(sums)
    # Which rank's numbers were finite, told before they are added up, for a sum has no author.
    marks = {f"finite.{rank}": torch.zeros_like(own[0]) for rank in range(state.world.size)}
    marks[f"finite.{state.world.rank}"] = own.isfinite().all().double()
    totals = state.world.total(torch.cat([own, as_vector(marks)]))
    return dict(zip([*sums, *marks], totals, strict=True)), step_hash(state.world.collect(digests))


def _autocast(device: str, precision: str) -> torch.autocast:
    # Without the cache of cast weights: a copy made in the derivative's no_grad would carry no gradient afterwards.
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


def _gradient_columns(state: TrainState, config: Config) -> dict[str, Tensor]:
    grads = gradients(state.model)
    zeros = torch.stack([(grad == 0).sum() for grad in grads]).sum() / sum(grad.numel() for grad in grads)
    readings = {"grad_norm": torch.nn.utils.get_total_norm(grads), "grad_zeros": zeros}
    if config.training.diagnostics:
        for name, block in state.model.blocks().items():
            parts = gradients(block)
            if parts:
                readings[f"block.{name}"] = torch.nn.utils.get_total_norm(parts)
    return readings


def _read_back(tensors: dict[str, Tensor]) -> dict[str, float]:
    """One transfer from the device for all readings."""
    values = as_vector(tensors).tolist()
    return dict(zip(tensors, values, strict=True))


def _update(
    state: TrainState, config: Config, learning_rate: float, norm: Tensor, observer: StepObserver, *, frozen: bool
) -> dict[str, float]:
    """Apply the gradient and average the weights, or leave everything as it is when `frozen`; tell what moved."""
    limit = config.training.gradient_clip
    parameters = list(state.model.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    observer.before_update()
    if not frozen:
        if limit is not None:
            clip(state.model, norm, limit)
        set_learning_rate(state.optimiser, learning_rate)
        state.optimiser.step()
        state.ema.update(state.model)
        state.step += 1
    with torch.no_grad():
        moved = torch._foreach_sub([parameter.detach() for parameter in parameters], before)
        columns = {
            "update_rms": root_mean_square(moved),
            "param_rms": root_mean_square(parameter.detach() for parameter in parameters),
            "ema_gap": state.ema.gap(state.model),
        }
    return _read_back(columns | observer.after_update(list(moved), 0.0 if frozen else learning_rate))
