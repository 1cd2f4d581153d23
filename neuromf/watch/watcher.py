"""Reads the files of a run again and again, and gives a view of the run at each look."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.any_loop.record import is_loop_record, read_facts
from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.monitor.events import Event
from neuromf.monitor.guard.initial_ratio import end_window
from neuromf.trace.average import median
from neuromf.trace.columns import CHANNELS, Row, channels_in, columns_of, number_or_none
from neuromf.training.held_out.decisions import stop_reason
from neuromf.training.held_out.record import ValidationRow, read_validations
from neuromf.training.held_out.told import told
from neuromf.training.records.pace import Mark, read_marks, seconds_per_step
from neuromf.training.records.run_folder import RunFolder, open_run
from neuromf.watch.event_log import alarms, whole_events
from neuromf.watch.loop_status import judge_loop
from neuromf.watch.status import RunState, RunStatus, Signs, judge_status, newest_saved
from neuromf.watch.step_rate import StepRate
from neuromf.watch.trace_tail import TraceTail

_LOSSES, _OTHERS = ("raw_total", "raw_fm", "raw_mf"), ("weighted", "objective", "grad_norm", "lr")
SHOWN = (*_LOSSES, *CHANNELS, *_OTHERS)
"""Columns that are shown: the raw loss first, and the weighted one never without it (law WGT-002)."""


@dataclass(frozen=True)
class Quantity:
    """A column of the trace, its unit as there; None where it has no number.

    Attributes:
        name: of the column.
        start: median over the first ten steps, as the guard takes its initial level; over half of a shorter run.
        recent: median over the newest as many: a single step's loss has a 1/t^2 tail. None after the first step alone.
        last: newest row.
    """

    name: str
    start: float | None
    recent: float | None
    last: float | None

    @property
    def ratio(self) -> float | None:
        """Recent level over the start; None without either."""
        if self.start is None or self.recent is None or self.start == 0:
            return None
        return self.recent / self.start


@dataclass(frozen=True)
class View:
    """A run at one look.

    Attributes:
        status: state, step and age.
        quantities: the columns in `SHOWN`.
        window: steps of the first and of the recent level.
        saturated: share of samples with L / norm_eps above 10 in the newest row; None before the first.
        seconds_per_step: None where it is not known.
        alarms: warnings and halts, oldest first.
        validation: what the validations found, in a sentence; empty where there was none.
        validated: the newest of them.
    """

    status: RunStatus
    quantities: tuple[Quantity, ...]
    window: int
    saturated: float | None
    seconds_per_step: float | None
    alarms: tuple[Event, ...]
    validation: str = ""
    validated: ValidationRow | None = None

    @property
    def seconds_left(self) -> float | None:
        """Until the last step, at the present speed; None where the run does not move."""
        total, seconds = self.status.total, self.seconds_per_step
        if self.status.state is not RunState.RUNNING or seconds is None or total is None:
            return None
        return (total - self.status.step) * seconds


class Watcher:
    """Reads a run's folder at each look, its trace from where the last look ended.

    Args:
        root: the run's folder.

    Raises:
        InputError: no run is there.
    """

    def __init__(self, root: Path) -> None:
        self._config: Config | None = None
        if is_loop_record(root):
            self._run = RunFolder(root)
        else:
            self._run, self._config = open_run(root)
        self._trace, self._step_rate = TraceTail(self._run.trace), StepRate()

    def look(self) -> View:
        """The run as its files are now.

        Raises:
            InputError: a file of it is not what a training writes.
        """
        restarted = self._trace.look()
        events = whole_events(self._run.events)
        step = self._trace.steps
        marks = read_marks(self._run.pace)
        seconds = self._step_rate.see(step, marks, restarted=restarted)
        window = end_window(step)
        rows = list(self._trace.recent)
        validated = read_validations(self._run.validations) if self._config is not None else []
        first, recent = self._trace.first[:window], rows[-window:] if step > 1 else []
        return View(
            status=status_of_run(self._run, self._config, events, step, marks, grew=self._step_rate.grew),
            quantities=tuple(_quantity(name, first, recent, rows[-1:]) for name in self._shown(rows)),
            window=window,
            saturated=number_or_none(rows[-1], "w_sat") if rows and "w_sat" in rows[-1] else None,
            seconds_per_step=seconds,
            alarms=tuple(alarms(events)),
            validation=told(validated, self._config) if validated and self._config is not None else "",
            validated=validated[-1] if validated else None,
        )

    def _shown(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Names of the columns that are shown: of a loop of the user's own, all that it has."""
        if self._config is None:
            return tuple(name for name in rows[-1] if name != "step") if rows else ("raw_total",)
        columns = columns_of(self._config.vae.latent_channels)
        return (*_LOSSES, *channels_in(column.name for column in columns), *_OTHERS)


def status_of_run(
    run: RunFolder,
    config: Config | None,
    events: Sequence[Event],
    steps: int,
    marks: Sequence[Mark],
    *,
    grew: float | None = None,
) -> RunStatus:
    """The status of a run by its files as they are now.

    Args:
        run: the folder.
        config: its configuration, None of a loop that a guard recorded.
        events: of the run, oldest first.
        steps: rows of its trace.
        marks: times that it recorded.
        grew: when it was last seen to make progress, seconds since 1970; None where it was not watched.
    """
    age, seconds = _age(run, marks, grew), seconds_per_step(marks)
    if config is None:
        facts = read_facts(run.root)
        return judge_loop(
            step=steps, total=facts.get("total_steps"), ended=facts.get("ended") is True, age=age, seconds=seconds,
            events=events,
        )  # fmt: skip
    total, every = run_facts(config).optimiser_steps, config.training.checkpoint_every_steps
    validations = [row for row in read_validations(run.validations) if row.step <= steps]
    stopped = stop_reason(validations, config)
    return judge_status(Signs(steps, total, every, age, seconds, newest_saved(run), stopped), events)


def _age(run: RunFolder, marks: Sequence[Mark], grew: float | None) -> float | None:
    """Seconds since the run was last known to work.

    The date of a file counts only where the run recorded no time: before its first step, and in earlier versions.
    """
    signs = [marks[-1].seconds] if marks else _dates(run)[:1]
    signs += [grew] if grew is not None else []
    return max(time.time() - max(signs), 0.0) if signs else None


def _dates(run: RunFolder) -> list[float]:
    """Of the trace, else of the folder's first file."""
    found = []
    for path in (run.trace, run.environment):
        with contextlib.suppress(FileNotFoundError):
            found.append(path.stat().st_mtime)
    return found


def _quantity(name: str, first: Sequence[Row], recent: Sequence[Row], newest: Sequence[Row]) -> Quantity:
    return Quantity(name, *(_median(rows, name) for rows in (first, recent, newest)))


def _median(rows: Sequence[Row], name: str) -> float | None:
    """Median over rows that have a number; None where none has. A loop's column may come late."""
    values = [value for row in rows if name in row and (value := number_or_none(row, name)) is not None]
    return median(values) if values else None
