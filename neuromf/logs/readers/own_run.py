"""Our own runs: the trace of a run's folder, which may still grow, or a trace alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuromf.comparison.table import filled
from neuromf.errors import InputError
from neuromf.logs.log import LogColumn, RunLog
from neuromf.trace.columns import columns_in
from neuromf.watch.whole_trace import whole_table


def is_trace(header: bytes) -> bool:
    """Whether the first line of a file is that of a trace."""
    names = header.decode("utf-8", "replace").strip().split(",")
    return names == [column.name for column in columns_in(names)]


def read_own_trace(path: Path, name: str) -> RunLog:
    """The whole rows of a trace.

    Raises:
        InputError: it has none, or they are out of order.
    """
    table = whole_table(path)
    if table is None:
        raise InputError("has no row yet", remedy="wait for the first step of the training", file=path)
    steps = table.steps.astype(np.float64)
    columns = {}
    for column, cells in table.numbers.items():
        told = ~cells.empty
        if column != "step" and told.any():
            columns[column] = LogColumn(steps[told], filled(cells)[told], f"{path.name}: {column}")
    return RunLog(name=name, form="a trace of neuromf", axis="step", axis_source="step", columns=columns)
