"""The default oracle: does the training diverge, as its monitors see it?

Broken when the guard halts it, or when the MF loss leaves the FM loss behind (law GUARD-006) for two blocks in a row;
healthy when both fall together through its second half; else as its last blocks say. Both ends of a training are
judged as early as they are clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from neuromf.bisect.oracle import Outcome, Verdict
from neuromf.bisect.oracles.blocks import BLOCK, block_ratio, judge_blocks
from neuromf.bisect.oracles.task import Task
from neuromf.bisect.oracles.training import HALTS, armed, optimiser_steps, training_latents, training_records
from neuromf.monitor.alarm import Level
from neuromf.training.step import StepRecord


def divergence(task: Task) -> Outcome:
    """Train and judge."""
    config = armed(task.mixture)
    accumulation = config.training.gradient_accumulation_steps
    per_block = max(1, BLOCK // accumulation)
    total = max(1, optimiser_steps(config, task.micro_batches) // per_block)
    records = training_records(config, training_latents(config), task.micro_batches, task.device)
    return judge_records(records, per_block, total)


def judge_records(records: Iterable[StepRecord], per_block: int, total: int) -> Outcome:
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
            return Outcome(Verdict.BROKEN, detail=f"{word} at step {steps}: {block[-1].verdict.message}")
        ratio = block_ratio(*([_number(record, name) for record in block] for name in ("raw_fm", "raw_mf")))
        ratios += [] if ratio is None else [ratio]
        verdict = judge_blocks(ratios, total) if ratio is not None else None
        if verdict is not None:
            return Outcome(verdict, detail=f"MF/FM loss {ratio:.3g} at step {steps}")
    return Outcome(Verdict.HEALTHY if not ratios else Verdict.UNDECIDED, detail=f"no halt in {steps} steps")


def _blocks(records: Iterable[StepRecord], size: int) -> Iterator[list[StepRecord]]:
    """Records in blocks, the last one as long as it is; a halt ends its block."""
    block: list[StepRecord] = []
    for record in records:
        block.append(record)
        if len(block) == size or record.verdict.level in HALTS:
            yield block
            block = []


def _number(record: StepRecord, name: str) -> float | None:
    value = record.row[name]
    return None if value is None else float(value)
