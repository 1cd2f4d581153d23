"""The time that a log tells."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuromf.logs.log import LogColumn

SINCE_START = ("_runtime", "runtime", "elapsed", "elapsed_time", "time_elapsed", "total_time")
OF_DAY = ("_timestamp", "timestamp", "wall_time", "walltime", "time", "wall time")
"""Seconds or milliseconds of the system's clock."""
OF_ROW = ("epoch_time_sec", "epoch_time", "step_time", "seconds", "time_per_step", "iter_time")
"""Seconds that each row took."""
MILLISECONDS = 1e11
"""A reading of the clock above this, the year 5138 in seconds, is in milliseconds."""


@np.errstate(over="ignore", invalid="ignore")  # a log may hold any numbers
def clock_of(columns: Mapping[str, LogColumn]) -> LogColumn | None:
    """Seconds since the beginning, by a column that tells them; None where none does."""
    by_name = {name.lower().strip(): column for name, column in columns.items()}
    for names, read in ((SINCE_START, _as_is), (OF_DAY, _since_first), (OF_ROW, _added)):
        for name in names:
            column = by_name.get(name)
            if column is not None and len(column.values) > 1 and np.isfinite(column.values).all():
                seconds = read(column)
                if (np.diff(seconds.values) >= 0).all():
                    return seconds
    return None


def _as_is(column: LogColumn) -> LogColumn:
    return column


def _since_first(column: LogColumn) -> LogColumn:
    unit = 1000.0 if column.values[0] > MILLISECONDS else 1.0
    return LogColumn(column.steps, (column.values - column.values[0]) / unit, column.source)


def _added(column: LogColumn) -> LogColumn:
    return LogColumn(column.steps, np.cumsum(column.values), column.source)
