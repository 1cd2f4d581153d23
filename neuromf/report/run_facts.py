"""Everything that a report shows of a run, read once from the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromf.comparison.table import TraceTable, filled
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.events import Event
from neuromf.readable import printable
from neuromf.report.charts import COLOURS
from neuromf.training.records.pace import read_marks
from neuromf.training.records.run_folder import RunFolder, open_run, recorded_environment
from neuromf.training.records.summary import read_summary
from neuromf.watch.event_log import whole_events
from neuromf.watch.status import RunStatus
from neuromf.watch.watcher import status_of_run
from neuromf.watch.whole_trace import whole_table

MOST_RUNS = len(COLOURS)
"""Most runs that one chart can distinguish by colour."""


@dataclass(frozen=True)
class ReportedRun:
    """One run of a report.

    Attributes:
        index: its place in the report, from 0.
        name: by which the page calls it.
        folder: where it lies.
        config: its configuration.
        trace: at least one row.
        events: oldest first.
        epochs: records of `training_summary.json`.
        status: whether it finished, was halted or goes on.
        environment: versions and device it was started with.
    """

    index: int
    name: str
    folder: RunFolder
    config: Config
    trace: TraceTable
    events: list[Event]
    epochs: list[dict[str, Any]]
    status: RunStatus
    environment: dict[str, str]

    @property
    def colour(self) -> str:
        """The run's colour in charts that show several runs."""
        return COLOURS[self.index]

    @property
    def toggle(self) -> str:
        """Class of everything that the page hides together with this run."""
        return f"run{self.index}"

    def values(self, column: str) -> NDArray[np.float64]:
        """A column of the trace, NaN where the cell is empty."""
        return filled(self.trace.numbers[column])


def read_runs(folders: Sequence[Path]) -> list[ReportedRun]:
    """Read the runs of a report.

    Raises:
        InputError: one is no run, has no step yet, is given twice, or there are more than a chart can distinguish.
    """
    if len(folders) > MOST_RUNS:
        raise InputError(f"{len(folders)} runs are too many for one page", remedy=f"give at most {MOST_RUNS}")
    resolved = [folder.resolve() for folder in folders]
    for place, folder in enumerate(folders):
        if resolved[place] in resolved[:place]:
            raise InputError("the run is given twice", remedy="give each run once", file=folder)
    names = [folder.name for folder in resolved]
    # Folders of one name in different places keep the way that leads to them.
    labels = [
        printable(name if names.count(name) == 1 else str(folder)) for name, folder in zip(names, folders, strict=True)
    ]
    return [_read_run(index, name, folder) for index, (name, folder) in enumerate(zip(labels, folders, strict=True))]


def _read_run(index: int, name: str, root: Path) -> ReportedRun:
    folder, config = open_run(root)
    trace = whole_table(folder.trace)
    if trace is None:
        problem = "the trace has no whole row" if folder.trace.exists() else "the run has no trace"
        raise InputError(problem, remedy="wait for its first step, or train it again", file=folder.trace)
    events = whole_events(folder.events)
    return ReportedRun(
        index=index,
        name=name,
        folder=folder,
        config=config,
        trace=trace,
        events=events,
        epochs=read_summary(folder.summary),
        status=status_of_run(folder, config, events, len(trace.steps), read_marks(folder.pace)),
        environment=_environment(folder),
    )


def _environment(folder: RunFolder) -> dict[str, str]:
    """Versions and device as `run.json` has them, without the latents' hash."""
    return {key: value for key, value in recorded_environment(folder).items() if key != "latents"}
