"""The one form that every log is read into, and what the readers hand over before it has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Axis = Literal["step", "epoch", "row"]
"""What the points of a log are numbered by; `row` where the log says neither step nor epoch."""


@dataclass(frozen=True)
class LogColumn:
    """One logged quantity.

    Attributes:
        steps: where its points stand on the log's axis, strictly rising.
        values: one number a point; NaN and infinity stand only where the log says so, never for a gap.
        source: file and name there.
    """

    steps: NDArray[np.float64]
    values: NDArray[np.float64]
    source: str

    def upto(self, step: float) -> LogColumn:
        """The points before a step."""
        kept = self.steps < step
        return LogColumn(self.steps[kept], self.values[kept], self.source)


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """The log of one run.

    Attributes:
        name: as the user named it, with the number of the run where a file holds several.
        form: what kind of log it is, in words.
        axis: what the steps count.
        axis_source: the column that they were read from, empty for the rows' own number.
        columns: quantities by the name that the log gives them.
        clock: seconds since the log's beginning, where it tells the time.
        notes: what a reader should know, a sentence each.
        steps_per_epoch: optimiser steps from one point to the next, where the axis is the epoch and the log tells it.
    """

    name: str
    form: str
    axis: Axis
    axis_source: str
    columns: Mapping[str, LogColumn]
    clock: LogColumn | None = None
    notes: tuple[str, ...] = ()
    steps_per_epoch: int | None = None

    @property
    def last(self) -> float:
        """The last step of any column; NaN without a point."""
        return max((float(c.steps[-1]) for c in self.columns.values() if len(c.steps)), default=float("nan"))

    @property
    def first(self) -> float:
        """The first step of any column; NaN without a point."""
        return min((float(c.steps[0]) for c in self.columns.values() if len(c.steps)), default=float("nan"))


@dataclass(frozen=True, kw_only=True)
class RowLog:
    """A log as rows, before its axis is found.

    Attributes:
        name: as the user named it.
        form: what kind of log it is.
        rows: one line of the log each; a cell that the log leaves out is NA, text stays text.
        source: the file.
        notes: what the reader had to do.
    """

    name: str
    form: str
    rows: pd.DataFrame
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PointLog:
    """A log as points of single quantities, each with its own step.

    Attributes:
        name: as the user named it.
        form: what kind of log it is.
        parts: files of the run in the order of their time; each has steps, values and seconds by quantity.
        source: the folder or file.
        notes: what the reader had to do.
    """

    name: str
    form: str
    parts: tuple[Mapping[str, LoggedPoints], ...]
    source: str
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class LoggedPoints:
    """Points of one quantity in the order in which they were written.

    Attributes:
        steps: what the writer numbered them by.
        values: the numbers.
        seconds: when they were written, since the epoch of the system's clock; empty where that is not kept.
    """

    steps: NDArray[np.float64]
    values: NDArray[np.float64]
    seconds: NDArray[np.float64]
