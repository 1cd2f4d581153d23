"""A run's folder with a long trace, made in seconds: its numbers repeat, its steps do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuromf.trace.columns import COLUMNS, NAMES
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import make_tiny_config

PERIOD = 5_000
"""Rows after which the numbers repeat."""
CONSTANT = {"frac_fm": "0.75", "clip_frac": "0", "lr": "0.0001", "raw_v_head": ""}
"""Cells of columns that hardly move, as in a real trace."""


def long_run(root: Path, steps: int, seed: int = 0) -> Path:
    """A run of `steps` optimiser steps, a multiple of three, with nine digits in most cells.

    Args:
        root: its folder, which is made.
        steps: of the whole run, all done.
        seed: of the numbers.
    """
    config = make_tiny_config(f"training.epochs={-(-steps // 3)}", "training.checkpoint_every_steps=1000")
    run = create_run(root, config, "0" * 64)
    rows = [_cells(numbers) for numbers in _numbers(seed)]
    with run.trace.open("w", encoding="ascii") as stream:
        stream.write(",".join(NAMES) + "\n")
        for start in range(0, steps, PERIOD):
            stream.writelines(f"{start + i},{row}\n" for i, row in enumerate(rows[: steps - start]))
    return root


def _numbers(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.exp(0.3 * generator.standard_normal((PERIOD, len(COLUMNS)))).astype(np.float32)


def _cells(numbers: np.ndarray) -> str:
    """A row without its step."""
    cells = [
        CONSTANT.get(column.name, f"{number:.9g}" if column.kind == "float" else f"{int(number * 1e9):012x}")
        for column, number in zip(COLUMNS, numbers, strict=True)
    ]
    return ",".join(cells[1:])
