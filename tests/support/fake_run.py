"""A run's folder as a trainer leaves it, step by step, without a training."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from neuromf.monitor.events import Event, append_event
from neuromf.trace.columns import COLUMNS, Row
from neuromf.trace.writer import TraceWriter
from neuromf.training.records.pace import HEADER, PaceWriter, read_marks
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import make_tiny_config

SETTINGS = ("training.epochs=20", "training.checkpoint_every_steps=10")
"""Sixty optimiser steps."""
CONFIG = make_tiny_config(*SETTINGS)


def row_of(step: int, **cells: float) -> Row:
    """A row whose raw loss is 4 at first and falls, and whose weighted loss stands still."""
    row: Row = {c.name: {"int": step, "text": "abc", "float": 1.0}[c.kind] for c in COLUMNS}
    return row | {"raw_total": 4.0 / (1 + step), "weighted": 2.0, "w_sat": 0.0} | cells


class FakeRun:
    """Writes what the trainer writes, with its own writer.

    Args:
        root: its folder.
        overrides: of its configuration.
    """

    def __init__(self, root: Path, *overrides: str) -> None:
        self.folder = create_run(root, make_tiny_config(*SETTINGS, *overrides) if overrides else CONFIG, "0" * 64)
        self.root = root

    def write(self, steps: int, first: int = 0, **cells: float) -> None:
        """Rows `first` to `steps` - 1; the trace is taken up at `first`, as a start or a resume does."""
        with TraceWriter(self.folder.trace, first) as trace:
            for step in range(first, steps):
                trace.append(row_of(step, **cells))
        with PaceWriter(self.folder.pace, first) as pace:
            pace.done(steps)

    def append(self, text: str) -> None:
        """Text as it is, such as half a row."""
        with self.folder.trace.open("a") as stream:
            stream.write(text)

    def tell(self, **event: Any) -> None:
        """An event; a warning at step 3 where nothing else is given."""
        told = {"step": 3, "level": "warn", "law": "WGT-002", "message": "m"} | event
        append_event(self.folder.events, Event(**told))

    def save(self, step: int, halted: str = "") -> None:
        """What a checkpoint says, without its tensors."""
        folder = self.root / "checkpoints" / f"step_{step:08d}"
        folder.mkdir(parents=True)
        (folder / "state.json").write_text(json.dumps({"step": step, "halted": halted}))

    def took(self, seconds: float, steps: int, ago: float = 0.0) -> None:
        """As if every one of its steps had taken so long, and the last had been made so long ago."""
        end = time.time() - ago
        marks = [f"0,{step},{end - (steps - step) * seconds}\n" for step in range(steps + 1)]
        self.folder.pace.write_text(HEADER + "".join(marks))

    def silent_for(self, seconds: float) -> None:
        """As if nothing had been written for so long."""
        if marks := read_marks(self.folder.pace):
            late = time.time() - seconds - marks[-1].seconds
            moved = [f"{mark.session},{mark.step},{mark.seconds + late}\n" for mark in marks]
            self.folder.pace.write_text(HEADER + "".join(moved))
        for path in (self.folder.trace, self.folder.environment):
            if path.exists():
                os.utime(path, (time.time() - seconds,) * 2)
