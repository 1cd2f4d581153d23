"""Everything that a report shows of a run, read once from the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromf.any_loop.record import is_loop_record, read_facts
from neuromf.comparison.table import TraceTable, filled
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.events import Event
from neuromf.readable import printable
from neuromf.report.charts import COLOURS
from neuromf.training.held_out.record import ValidationRow, read_validations
from neuromf.training.records.pace import read_marks
from neuromf.training.records.run_folder import RunFolder, open_run, recorded_environment
from neuromf.training.records.summary import read_summary
from neuromf.watch.event_log import whole_events
from neuromf.watch.status import RunStatus
from neuromf.watch.watcher import status_of_run
from neuromf.watch.whole_trace import whole_table

MOST_RUNS = len(COLOURS)
"""Most runs that one chart can distinguish by colour."""


@dataclass(frozen=True, kw_only=True)
class ChartedRun:
    """What charts and lists of events need of a run: one of ours, or a loop's that a guard recorded.

    Attributes:
        index: its place in the report, from 0.
        name: by which the page calls it.
        folder: where it lies.
        trace: at least one row.
        events: oldest first.
        status: whether it finished, was halted or goes on.
        environment: versions and device it was started with.
    """

    index: int
    name: str
    folder: RunFolder
    trace: TraceTable
    events: list[Event]
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


@dataclass(frozen=True, kw_only=True)
class ReportedRun(ChartedRun):
    """One run of ours in a report.

    Attributes:
        config: its configuration.
        epochs: records of `training_summary.json`.
        validations: of the run, oldest first; none where it does not validate.
    """

    config: Config
    epochs: list[dict[str, Any]]
    validations: list[ValidationRow]


def read_runs(folders: Sequence[Path]) -> list[ReportedRun]:
    """Read the runs of a report.

    Raises:
        InputError: one is no run, has no step yet, is given twice, or there are more than a chart can distinguish.
    """
    return [_read_run(index, name, folder) for index, (name, folder) in enumerate(_labelled(folders))]


def read_loops(folders: Sequence[Path]) -> list[ChartedRun]:
    """Read loops of the user's own that a guard recorded.

    Raises:
        InputError: one of them is a run of ours, or as `read_runs`.
    """
    for folder in folders:
        if not is_loop_record(folder):
            problem = "is not the record of a loop, as others here are"
            raise InputError(problem, remedy="report on runs of one kind at a time", file=folder)
    return [_read_loop(index, name, folder) for index, (name, folder) in enumerate(_labelled(folders))]


def _labelled(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """Each folder with what the page calls it."""
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
    return list(zip(labels, folders, strict=True))


def _read_run(index: int, name: str, root: Path) -> ReportedRun:
    folder, config = open_run(root)
    trace, events = _records(folder)
    return ReportedRun(
        index=index,
        name=name,
        folder=folder,
        config=config,
        trace=trace,
        events=events,
        epochs=read_summary(folder.summary),
        validations=read_validations(folder.validations),
        status=status_of_run(folder, config, events, len(trace.steps), read_marks(folder.pace)),
        environment=_environment(folder),
    )


def _read_loop(index: int, name: str, root: Path) -> ChartedRun:
    folder = RunFolder(root)
    trace, events = _records(folder)
    status = status_of_run(folder, None, events, len(trace.steps), read_marks(folder.pace))
    known = {key: str(value) for key, value in read_facts(root).items() if key in ("neuromf", "python", "machine")}
    return ChartedRun(
        index=index, name=name, folder=folder, trace=trace, events=events, status=status, environment=known
    )


def _records(folder: RunFolder) -> tuple[TraceTable, list[Event]]:
    trace = whole_table(folder.trace)
    if trace is None:
        problem = "the trace has no whole row" if folder.trace.exists() else "the run has no trace"
        raise InputError(problem, remedy="wait for its first step, or train it again", file=folder.trace)
    return trace, whole_events(folder.events)


def _environment(folder: RunFolder) -> dict[str, str]:
    """Versions and device as `run.json` has them, without the latents' hash."""
    return {key: value for key, value in recorded_environment(folder).items() if key != "latents"}
