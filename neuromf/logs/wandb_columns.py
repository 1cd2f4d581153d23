"""What W&B adds to the columns of a table that it exports: the run before a name, and the range of a smoothed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuromf.logs.log import RowLog

STEP = "Step"
PARTED = " - "
RANGES = ("__MIN", "__MAX")


def runs_of_panel(log: RowLog) -> list[RowLog]:
    """The runs of a table that was exported from a panel, each with the plain names of its metrics; else the log."""
    names = [str(name) for name in log.rows]
    if STEP not in names or not any(PARTED in name for name in names):
        return [log]
    named = [name for name in names if PARTED in name and not name.endswith(RANGES)]
    runs = dict.fromkeys(name.rpartition(PARTED)[0] for name in named)
    form = "a table exported from W&B"
    return [replace(_of_run(log, run, named), name=f"{log.name}, {run}", form=form) for run in runs]


def _of_run(log: RowLog, run: str, named: Sequence[str]) -> RowLog:
    own = {name: name.rpartition(PARTED)[2] for name in named if name.rpartition(PARTED)[0] == run}
    return replace(log, rows=log.rows[[STEP, *own]].rename(columns=own))
