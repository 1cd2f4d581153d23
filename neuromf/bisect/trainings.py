"""The training behind one probe, and how the default oracle `divergence` judges it.

A training is broken when the divergence guard halts it, or when the MF loss is too many times the FM loss in two
successive blocks of steps.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from neuromf_spec.laws.divergence import LARGEST_TERM_RATIO

from neuromf.bisect.oracle import ProbeOutcome, ProbeVerdict, Task
from neuromf.config.derived import run_facts
from neuromf.config.load import load_config
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.guard.alarm import Level
from neuromf.trace.average import median
from neuromf.trace.columns import number_or_none
from neuromf.training.step.train_step import StepRecord

if TYPE_CHECKING:
    from torch import Tensor


HALTS = (Level.HALT, Level.NONFINITE, Level.IRREPRODUCIBLE)


def armed(config: Config, *, monitors: bool = False) -> Config:
    """The run with the guard of the recipe `recommended` instead of its own.

    All probes are judged by one guard, so that a difference in the guard's own settings never looks like a cause.

    Args:
        config: the run.
        monitors: whether the silent faults are looked for too, and a step that raises an alarm is run again.
    """
    recommended = load_config(["recommended"]).training
    names = ("divergence_threshold", "divergence_warn_ratio")
    guard = {name: getattr(recommended, name) for name in names}
    training = config.training.model_copy(update={**guard, "monitors": monitors, "diagnostics": False})
    return config.model_copy(update={"training": training})


def optimiser_steps(config: Config, micro_batches: int) -> int:
    """Updates that `micro_batches` are good for, at most the run's own, at least one."""
    steps = micro_batches // config.training.gradient_accumulation_steps
    return max(1, min(steps, run_facts(config).optimiser_steps))


def training_latents(config: Config) -> Tensor:
    """Normalised latents that a probe trains on.

    Raises:
        InputError: the data cannot be had.
    """
    from neuromf.training.latents.store import training_store

    latents = training_store(config).split("train")
    if not len(latents):
        raise InputError("the training split is empty", remedy="give more subjects", key="data.split_ratios")
    return latents


def training_records(config: Config, latents: Tensor, micro_batches: int, device: str = "cpu") -> Iterator[StepRecord]:
    """Steps of a training on `latents`, up to the number of micro-batches or the guard's halt."""
    import torch

    from neuromf.data.covariates import stand_in_covariates
    from neuromf.training.batches.source import BatchSource
    from neuromf.training.device.choice import choose_device
    from neuromf.training.step.state import initial_state
    from neuromf.training.step.train_step import train_step

    where = torch.device("cpu") if device == "cpu" else choose_device(device)
    state = initial_state(config, tuple(latents.double().std(dim=(0, 2, 3, 4)).tolist()), where)
    # Drawn and not those of the scans: a probe asks whether the arithmetic holds, and a key of the covariates may be
    # what is looked for.
    source = BatchSource(latents, config, where, stand_in_covariates(config, len(latents)))
    for _ in range(optimiser_steps(config, micro_batches)):
        record = train_step(state, source, config)
        yield record
        if record.verdict.level in HALTS:
            return


BLOCK = 32
"""Micro-batches in a block; a block is judged by the medians of its losses."""
BROKEN = LARGEST_TERM_RATIO
"""Law GUARD-006's bound on MF over FM loss, above which two blocks in a row end a training."""
HEALTHY = 2.4
"""MF over FM loss that the nine healthy trainings of golden/replay/epochs60 never exceed. Two blocks in a row below it,
in the second half of a training, end it as healthy. Trainings that diverge later are above it by then: with either half
of the failed run's cause alone they are at 5 to 8 (six trainings)."""
BETWEEN = math.sqrt(BROKEN * HEALTHY)
MARGIN = 1.2
"""A training that reaches its end undecided is judged by which side of `BETWEEN`, the geometric mean of the two bounds,
it is on. Within this factor of `BETWEEN` it stays undecided."""
CONSECUTIVE_BLOCKS = 2
"""Blocks in a row that must agree before a training is ended early."""


def judge_blocks(ratios: Sequence[float], total: int) -> ProbeVerdict | None:
    """The verdict on a training after `len(ratios)` of `total` blocks; None while it is still undecided.

    Args:
        ratios: median raw MF over median raw FM loss of each block; comparisons are written so that NaN breaks.
        total: blocks of the whole training.
    """
    last = ratios[-CONSECUTIVE_BLOCKS:]
    ended = len(ratios) >= total
    if len(last) == CONSECUTIVE_BLOCKS and not any(ratio <= BROKEN for ratio in last):
        return ProbeVerdict.BROKEN
    if len(last) == CONSECUTIVE_BLOCKS and 2 * len(ratios) > total and all(ratio <= HEALTHY for ratio in last):
        return ProbeVerdict.HEALTHY
    if not ended or not last:
        return None
    level = math.exp(statistics.fmean(math.log(max(ratio, 1e-30)) for ratio in last))
    if not level <= BETWEEN * MARGIN:
        return ProbeVerdict.BROKEN
    return ProbeVerdict.HEALTHY if level <= BETWEEN / MARGIN else ProbeVerdict.UNDECIDED


def block_ratio(flow: Iterable[float | None], meanflow: Iterable[float | None]) -> float | None:
    """MF over FM loss of a block of steps, from medians; None where a term has no sample."""
    flows = [value for value in flow if value is not None]
    meanflows = [value for value in meanflow if value is not None]
    if not flows or not meanflows:
        return None
    level = median(flows)
    return median(meanflows) / level if level > 0 else math.inf


def divergence(task: Task) -> ProbeOutcome:
    """Train and judge."""
    config = armed(task.mixture)
    accumulation = config.training.gradient_accumulation_steps
    per_block = max(1, BLOCK // accumulation)
    total = max(1, optimiser_steps(config, task.micro_batches) // per_block)
    records = training_records(config, training_latents(config), task.micro_batches, task.device)
    return judge_records(records, per_block, total)


def judge_records(records: Iterable[StepRecord], per_block: int, total: int) -> ProbeOutcome:
    """The verdict on a training's steps, which are taken as far as they are needed.

    Args:
        records: steps.
        per_block: optimiser steps in a block.
        total: blocks of the whole training.
    """
    ratios: list[float] = []
    steps = 0
    for block in _blocks(records, per_block):
        steps += len(block)
        if (level := block[-1].verdict.level) in HALTS:
            word = "a number is not finite" if level is Level.NONFINITE else "the guard halts"
            return ProbeOutcome(ProbeVerdict.BROKEN, detail=f"{word} at step {steps}: {block[-1].verdict.message}")
        ratio = block_ratio(*([number_or_none(record.row, name) for record in block] for name in ("raw_fm", "raw_mf")))
        ratios += [] if ratio is None else [ratio]
        verdict = judge_blocks(ratios, total) if ratio is not None else None
        if verdict is not None:
            return ProbeOutcome(verdict, detail=f"MF/FM loss {ratio:.3g} at step {steps}")
    return ProbeOutcome(
        ProbeVerdict.HEALTHY if not ratios else ProbeVerdict.UNDECIDED, detail=f"no halt in {steps} steps"
    )


def _blocks(records: Iterable[StepRecord], size: int) -> Iterator[list[StepRecord]]:
    """Records in blocks, the last one as long as it is; a halt ends its block."""
    block: list[StepRecord] = []
    for record in records:
        block.append(record)
        if len(block) == size or record.verdict.level in HALTS:
            yield block
            block = []
