"""Run folders written by hand, for tests of what reads them: no training, a hundredth of a second each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from neuromf.config import Config
from neuromf.monitor.events import Event
from neuromf.trace.columns import COLUMNS, Row
from neuromf.trace.writer import TraceWriter
from neuromf.training.records.epoch_summary import EpochColumns
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.tiny_run import make_tiny_config

STEPS = 24
STEPS_PER_EPOCH = 3
BLOCKS = {"conv_in": 0.5, "out": 2.0}
SELF_TEST = Event(step=0, level="info", law="GUARD-001", message="self-test passed")
WARNING = Event(step=9, level="warn", law="JVP-006", message="the correction runs away", value="3.5", bound="<= 3")
HALT = Event(step=20, level="halt", law="GUARD-001", message="raw loss 523 is 111 times its initial level")
LOSSES = ("raw_fm", "raw_mf", "raw_total", "raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3")


def trace_rows(steps: int, growth: float = 0.9) -> list[Row]:
    """Rows whose losses are multiplied by `growth` from step to step, with everything else between 0.5 and 1."""
    draw = np.random.default_rng(0)
    rows: list[Row] = []
    for step in range(steps):
        row: Row = {column.name: float(draw.uniform(0.5, 1.0)) for column in COLUMNS}
        row |= {"step": step, "batch_hash": f"{step:012x}", "weighted": 2.0}
        row |= dict.fromkeys(LOSSES, 4.0 * growth**step)
        rows.append(row)
    return rows


def write_run(
    root: Path,
    *overrides: str,
    rows: Sequence[Row] | None = None,
    events: Sequence[Event] = (SELF_TEST,),
    samples: Sequence[int] = (4, 8),
    blocks: dict[str, float] = BLOCKS,
) -> Path:
    """A run of 24 steps in 8 epochs; fewer rows are a run that goes on."""
    epochs = f"training.epochs={STEPS // STEPS_PER_EPOCH}"
    config = make_tiny_config(epochs, "training.checkpoint_every_steps=4", *overrides)
    run = create_run(root, config, "no latents")
    rows = trace_rows(STEPS) if rows is None else rows
    with TraceWriter(run.trace, 0) as writer:
        for row in rows:
            writer.append(row)
    run.events.write_text("".join(json.dumps(asdict(event)) + "\n" for event in events))
    _write_summary(run, rows, blocks)
    _write_samples(run, config, samples)
    return root


def summary_of(rows: Iterable[Row], epoch: int, blocks: dict[str, float]) -> dict[str, Any]:
    """The summary of an epoch of these rows."""
    columns = EpochColumns()
    for row in rows:
        columns.add(row)
    return columns.summary(epoch, blocks)


def _write_summary(run: RunFolder, rows: Sequence[Row], blocks: dict[str, float]) -> None:
    starts = range(0, len(rows) - STEPS_PER_EPOCH + 1, STEPS_PER_EPOCH)
    parts = [list(rows[start : start + STEPS_PER_EPOCH]) for start in starts]
    records = [summary_of(part, epoch, blocks) for epoch, part in enumerate(parts)]
    run.summary.write_text(json.dumps(records))


def _write_samples(run: RunFolder, config: Config, steps: Sequence[int]) -> None:
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, *config.latent_shape), dtype=np.float32))
    if steps:
        run.previews.mkdir()
    for step in steps:
        save_file({"latents": noise}, run.previews / f"step_{step:08d}.safetensors")
