"""`metric:COLUMN[:FACTOR]`: does a column of the trace end elsewhere than in the good run of the same seed?

The difference is paired: both runs start from the same weights and draw the same samples as far as their
configurations let them, so that most of the noise between seeds falls out.

The good end itself is compared with the good run of another seed. With its own seed it would be compared with itself:
no false alarm could be seen, and the calibrated rate would be zero by construction. The rate is an upper bound, for it
holds the whole noise between seeds, of which a mixture that draws the same samples sees a part.
"""

from __future__ import annotations

import math
import statistics

from neuromf.bisect.oracle import Outcome, Verdict
from neuromf.bisect.oracles.task import Task
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.trace.columns import COLUMNS

FACTOR = 2.0
"""Quotient of the two ends from which they differ, either way, unless another is given. Four seeds of `phase4c` at
small scale part by 1.34 at most, in eight columns (losses, gradient, update, du/dt, u, weights)."""
LAST = 0.2
"""Share of the steps, at the end, whose median is compared."""


def read_metric(text: str) -> tuple[str, float]:
    """Column and factor.

    Raises:
        InputError: no such column of numbers, or a factor that parts nothing.
    """
    column, _, factor = text.partition(":")
    known = [entry.name for entry in COLUMNS if entry.kind == "float"]
    if column not in known:
        remedy = f"use one of {', '.join(known)}"
        raise InputError(f"'{column}' is no column of numbers in a trace", remedy=remedy, key="--oracle")
    try:
        bound = float(factor or FACTOR)
    except ValueError:
        bound = math.nan
    if not 1 < bound < math.inf:
        raise InputError(f"'{factor}' is no factor", remedy="give a number above 1", key="--oracle")
    return column, bound


def metric(task: Task, text: str) -> Outcome:
    """Train both and compare."""
    column, factor = read_metric(text)
    ends = [_level(config, task, column) for config in (task.mixture, task.reference)]
    if ends[0] is None or ends[1] is None:
        return Outcome(Verdict.UNTESTABLE, detail=f"{column} is empty")
    quotient = ends[0] / ends[1] if ends[1] else (1.0 if ends[0] == ends[1] else math.inf)
    # `not <=` so that a NaN is a difference.
    apart = not 1 / factor <= quotient <= factor
    detail = f"{column} {ends[0]:.4g} against {ends[1]:.4g}"
    return Outcome(Verdict.BROKEN if apart else Verdict.HEALTHY, detail=detail)


def _level(config: Config, task: Task, column: str) -> float | None:
    """Median over the last steps; NaN when the guard has halted the training."""
    from neuromf.bisect.oracles.training import HALTS, armed, training_latents, training_records

    config = armed(config)
    records = list(training_records(config, training_latents(config), task.micro_batches, task.device))
    if records[-1].verdict.level in HALTS:
        return math.nan
    last = records[-max(1, round(LAST * len(records))) :]
    values = [float(value) for record in last if (value := record.row[column]) is not None]
    return statistics.median(values) if values else None
