"""Evidence in a run's validations: whether it knows its training scans by heart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, fact
from neuromf.readable import rounded
from neuromf.training.held_out.decisions import best_row, metric_of
from neuromf.training.held_out.record import ValidationRow
from neuromf.training.held_out.told import gap_told, memorising

WORSE = CalibratedRange(healthy=1.02, faulty=1.2)
"""Newest validation over the best: 1.2 is what a log of any code is told of (`diagnosis/logs/judge.py`)."""


def held_out_signs(config: Config, rows: Sequence[ValidationRow]) -> Iterator[tuple[str, SignReading]]:
    """Signs by name that follow from validations.

    Args:
        config: the run.
        rows: its validations, oldest first.
    """
    if not rows:
        return
    last = rows[-1]
    if not math.isnan(last.gap_low):
        says = f"after epoch {last.epoch} {gap_told(last)}"
        yield "memorised", fact(not memorising(last).passed, says)
    best = best_row(rows, config)
    if best is not None and len(rows) > 1 and metric_of(best, config) > 0:
        lowest, metric = metric_of(best, config), config.training.validation_metric
        worse = metric_of(last, config) / lowest
        says = f"{metric} is {rounded(worse, 4)} times its best, {rounded(lowest, 4)} after epoch {best.epoch}"
        yield "held_out_worse", WORSE.place(worse, says)
