"""Rows of validations written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neuromf.training.held_out.record import COLUMNS, ValidationRow, line_of


def validation_rows(values: Sequence[float], gaps: Sequence[float] | None = None, each: int = 3) -> list[ValidationRow]:
    """A validation after each epoch of `each` steps; its gap's interval reaches a quarter to either side."""
    gaps = [0.02] * len(values) if gaps is None else gaps
    return [
        ValidationRow(
            epoch=epoch, step=each * epoch, scans=6, samples=24, val_total=value, val_fm=1.1 * value,
            val_mf=0.9 * value, train_total=value / (1 + gap), train_fm=value, train_mf=value, gap=gap,
            gap_low=gap - 0.25, gap_high=gap + 0.25,
        )
        for epoch, (value, gap) in enumerate(zip(values, gaps, strict=True), start=1)
    ]  # fmt: skip


def write_validations(path: Path, rows: Sequence[ValidationRow]) -> None:
    """The table as a training leaves it."""
    path.write_text(",".join(COLUMNS) + "\n" + "".join(map(line_of, rows)), encoding="ascii")
