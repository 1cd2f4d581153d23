"""The validations of a run in a sentence, and its sign of memorising (law VAL-005); without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from neuromf_spec.law import Finding
from neuromf_spec.laws.validation import CONFIDENCE, no_gap

from neuromf.config.schema import Config
from neuromf.counted import counted
from neuromf.readable import rounded
from neuromf.training.held_out.decisions import best_row, metric_of
from neuromf.training.held_out.record import ValidationRow


def told(rows: Sequence[ValidationRow], config: Config) -> str:
    """What at least one validation found: the newest metric, the best, and the gap to the training scans."""
    last, best, metric = rows[-1], best_row(rows, config), config.training.validation_metric
    lowest = "never finite" if best is None else f"best {rounded(metric_of(best, config), 4)} after epoch {best.epoch}"
    return f"{metric} {rounded(metric_of(last, config), 4)} after epoch {last.epoch}, {lowest}; {gap_told(last)}"


def gap_told(row: ValidationRow) -> str:
    """How far held-out scans are above trained ones, with the interval where there is one."""
    scans = counted(row.scans, "scan")
    said = f"held-out scans {_percent(row.gap)} % above training scans"
    if math.isnan(row.gap_low):
        return f"{said} ({scans}: no interval)"
    return (
        f"{said} ({_percent(row.gap_low)} to {_percent(row.gap_high)} with {100 * CONFIDENCE:g} % confidence, {scans})"
    )


def _percent(share: float) -> str:
    return rounded(100 * share, 3)


def memorising(row: ValidationRow) -> Finding:
    """Law VAL-005 of one validation."""
    return no_gap(gap=row.gap, gap_low=row.gap_low)
