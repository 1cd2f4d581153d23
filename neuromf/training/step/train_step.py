"""One optimiser step: gradient, the guard's verdict, clip, update, average, and the row that records it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neuromf.config.derived import run_facts, weights_are_measured
from neuromf.config.schema import Config
from neuromf.monitor.checks.step_checks import StepChecks
from neuromf.monitor.guard.alarm import Level, RawLosses, Verdict
from neuromf.trace.columns import BatchColumns, TraceRow
from neuromf.training.batches.source import BatchSource
from neuromf.training.step import metrics
from neuromf.training.step.backward import BackwardPass, backward
from neuromf.training.step.fault_probe import FaultProbe
from neuromf.training.step.optimiser import clip, norms_of, root_mean_square, set_learning_rate
from neuromf.training.step.rerun import irreproducible_elsewhere, judge_rerun
from neuromf.training.step.schedule import lr_multiplier
from neuromf.training.step.state import TrainState

NOT_APPLIED = (Level.NONFINITE, Level.IRREPRODUCIBLE)
"""Verdicts after which weights, average and schedule stay as they are (law NUM-001)."""


@dataclass(frozen=True)
class StepRecord:
    """What one step gives back.

    Attributes:
        row: its trace row.
        verdict: what the guard found.
        block_norms: gradient norm of each block, when diagnostics are on and weights are measured.
        checks: silent faults that were looked for; None in a step that is not judged.
    """

    row: TraceRow
    verdict: Verdict
    block_norms: dict[str, float]
    checks: StepChecks | None


def train_step(state: TrainState, source: BatchSource, config: Config) -> StepRecord:
    """Advance `state` by one optimiser step, unless its numbers are not finite or do not repeat (NUM-001, NUM-002)."""
    probe = FaultProbe(state, config)
    learning_rate = config.training.learning_rate * lr_multiplier(
        state.step, run_facts(config).optimiser_steps, config.training.warmup_steps, config.training.lr_schedule
    )
    step, found = state.step, backward(state, source, config, probe)
    columns, norm = metrics.batch_columns(found.readings), found.readings["grad_norm"]
    verdict = _judge(state, source, config, probe, found, _raw_losses(columns, norm))
    frozen = verdict.level in NOT_APPLIED
    moved = _update(state, config, learning_rate, found.norm, probe, frozen=frozen)
    limit = config.training.gradient_clip
    row: TraceRow = {
        "step": step,
        "batch_hash": found.digest,
        **columns,
        "grad_norm": norm,
        "grad_zeros": found.readings.get("grad_zeros"),
        "clip_frac": float(limit is not None and not norm <= limit),
        "lr": learning_rate,
        "update_rms": moved.get("update_rms"),
        "param_rms": moved.get("param_rms"),
        "ema_gap": moved.get("ema_gap"),
    }
    return StepRecord(row, verdict, found.block_norms(), None if frozen else probe.result(moved, found.readings))


def warm_up_gradient_buckets(state: TrainState, source: BatchSource, config: Config) -> None:
    """One backward pass whose gradients are dropped, where ranks share a step; before the first of a run or a resume.

    torch lays out the buckets of gradients anew after the first one, and three ranks or more add up in an order that
    depends on the layout: a resumed run would round its first step in another way than the undisturbed (CKPT-001).
    """
    if state.group.size > 1:
        backward(state, source, config, FaultProbe(state, config))


def _judge(
    state: TrainState, source: BatchSource, config: Config, probe: FaultProbe, found: BackwardPass, losses: RawLosses
) -> Verdict:
    """The guard's verdict, the same on all ranks; a step with a new alarm is run again first (law NUM-002)."""
    before = state.guard.state()
    verdict = state.guard.observe(losses)
    if verdict.fresh and config.training.monitors:
        again = backward(state, source, config, probe)
        verdict = judge_rerun(verdict, found.readings, again.readings, found.finite, config.training.deterministic)
        here = verdict.level is Level.IRREPRODUCIBLE
        if state.group.any(here):
            verdict = verdict if here else irreproducible_elsewhere(verdict)
            # The step was not taken: a run that goes on elsewhere judges it as if for the first time.
            state.guard.load_state(before)
    return verdict


def _raw_losses(columns: BatchColumns, norm: float) -> RawLosses:
    total, flow, meanflow = columns["raw_total"], columns["raw_fm"], columns["raw_mf"]
    return RawLosses(total=total, flow=flow, meanflow=meanflow, gradient_norm=norm)


def _update(
    state: TrainState, config: Config, learning_rate: float, norm: Tensor, probe: FaultProbe, *, frozen: bool
) -> dict[str, float]:
    """Apply the gradient and average the weights, or leave everything as it is when `frozen`; return what moved."""
    limit, measured = config.training.gradient_clip, weights_are_measured(config, state.step)
    if measured or probe.active:
        _remember(state)
    probe.before_update()
    if not frozen:
        if limit is not None:
            clip(state.parameters, norm, limit)
        set_learning_rate(state.optimiser, learning_rate)
        state.optimiser.step()
        state.ema.update(state.model)
        state.step += 1
    if not (measured or probe.active):
        return {}
    with torch.no_grad():
        # In place, and towards the weights before: no reading tells a step from its opposite.
        torch._foreach_sub_(state.former, state.parameters)
    columns = _weight_columns(state) if measured else {}
    return metrics.read_back(columns | probe.after_update(state.former, 0.0 if frozen else learning_rate))


@torch.no_grad()
def _weight_columns(state: TrainState) -> dict[str, Tensor]:
    """Readings of all weights; `former` holds how far each went."""
    present = [parameter.float() for parameter in state.parameters]
    moved, norms = norms_of(state.former), norms_of(list(state.parameters))
    return {
        "update_rms": root_mean_square(moved, state.numbers),
        "param_rms": root_mean_square(norms, state.numbers),
        "ema_gap": state.ema.gap(present, norms),
    }


@torch.no_grad()
def _remember(state: TrainState) -> None:
    """Keep the weights as they are before the update."""
    if not state.former:
        state.former = [torch.empty_like(parameter) for parameter in state.parameters]
    torch._foreach_copy_(state.former, state.parameters)
