"""What follows from the validations so far: which is the best, and whether the run ends (VAL-002, VAL-006)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from neuromf.config.schema import Config
from neuromf.counted import counted
from neuromf.readable import rounded
from neuromf.training.held_out.record import ValidationRow


def metric_of(row: ValidationRow, config: Config) -> float:
    """The number that a run is judged by; lower is better."""
    value: float = getattr(row, config.training.validation_metric)
    return value


def best_row(rows: Sequence[ValidationRow], config: Config) -> ValidationRow | None:
    """The validation of the lowest metric, the first of equals; None while none is finite."""
    finite = [row for row in rows if math.isfinite(metric_of(row, config))]
    return min(finite, key=lambda row: metric_of(row, config), default=None)


def is_best(rows: Sequence[ValidationRow], config: Config) -> bool:
    """Whether the newest validation is the best."""
    return bool(rows) and best_row(rows, config) is rows[-1]


def waited(rows: Sequence[ValidationRow], config: Config) -> int:
    """Validations in a row, up to the newest, none of which was below the best before it by the share asked for."""
    best, count = math.inf, 0
    for row in rows:
        value = metric_of(row, config)
        least = config.training.early_stop_min_improvement * abs(best) if math.isfinite(best) else 0.0
        if value < best - least:  # a value that is not finite is no best
            best, count = value, 0
        else:
            count += 1
    return count


def stop_reason(rows: Sequence[ValidationRow], config: Config) -> str:
    """Why the run ends after the newest validation; empty where it goes on."""
    patience = config.training.early_stop_patience
    count = waited(rows, config)
    if patience is None or not rows or count < patience:
        return ""
    best, metric = best_row(rows, config), config.training.validation_metric
    since = counted(count, "validation")
    least = config.training.early_stop_min_improvement
    by = f" by {100 * least:g} % or more" if least else ""
    told = "it was never finite" if best is None else f"its best was {rounded(metric_of(best, config), 4)}"
    where = "" if best is None else f" after epoch {best.epoch}"
    return f"{metric} has not improved{by} in {since}; {told}{where}"
