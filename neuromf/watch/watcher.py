"""Looks at a run again and again: what it says of itself at each look."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.monitor.events import Event
from neuromf.trace.columns import NAMES, Row
from neuromf.training.run_folder import RunFolder, open_run
from neuromf.watch.event_log import alarms, whole_events
from neuromf.watch.growing import GrowingTrace
from neuromf.watch.pace import Pace, file_marks
from neuromf.watch.standing import RunState, Signs, Standing, judge_standing, newest_saved

CHANNELS = tuple(name for name in NAMES if name.startswith("raw_ch"))
SHOWN = ("raw_total", "raw_fm", "raw_mf", *CHANNELS, "weighted", "objective", "grad_norm", "lr")
"""Columns that are shown: the raw loss first, and the weighted one never without it (law WGT-002)."""


@dataclass(frozen=True)
class Quantity:
    """A column of the trace, its unit as there; None where it has no number.

    Attributes:
        name: of the column.
        start: median over the first steps, as the guard takes its initial level.
        recent: median over the newest as many: a single step's loss has a 1/t^2 tail.
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
        standing: state, step and age.
        quantities: the columns in `SHOWN`.
        saturated: share of samples with L / norm_eps above 10 in the newest row; None before the first.
        seconds_per_step: None where it is not known.
        alarms: warnings and halts, oldest first.
    """

    standing: Standing
    quantities: tuple[Quantity, ...]
    saturated: float | None
    seconds_per_step: float | None
    alarms: tuple[Event, ...]

    @property
    def seconds_left(self) -> float | None:
        """Until the last step, at the present speed; None where the run does not move."""
        if self.standing.state is not RunState.RUNNING or self.seconds_per_step is None:
            return None
        return (self.standing.total - self.standing.step) * self.seconds_per_step


class Watcher:
    """Reads a run's folder at each look, its trace from where the last look ended.

    Args:
        root: the run's folder.

    Raises:
        InputError: no run is there.
    """

    def __init__(self, root: Path) -> None:
        self._run, self._config = open_run(root)
        self._trace, self._pace = GrowingTrace(self._run.trace), Pace()

    def look(self) -> View:
        """The run as its files are now.

        Raises:
            InputError: a file of it is not what a training writes.
        """
        restarted = self._trace.look()
        events = whole_events(self._run.events)
        step = self._trace.steps
        seconds = self._pace.see(file_marks(self._run, step), restarted=restarted)
        first, recent = self._trace.first, list(self._trace.recent)
        return View(
            standing=standing_of(self._run, self._config, events, step, seconds),
            quantities=tuple(_quantity(name, first, recent) for name in SHOWN),
            saturated=_number(recent[-1], "w_sat") if recent else None,
            seconds_per_step=seconds,
            alarms=tuple(alarms(events)),
        )


def standing_of(run: RunFolder, config: Config, events: Sequence[Event], steps: int, seconds: float | None) -> Standing:
    """How a run stands, as its files are now.

    Args:
        run: the folder.
        config: its configuration.
        events: of the run, oldest first.
        steps: rows of its trace.
        seconds: duration of a step, None where it is not known.
    """
    total, every = run_facts(config).optimiser_steps, config.training.checkpoint_every_steps
    return judge_standing(Signs(steps, total, every, _age(run), seconds, newest_saved(run)), events)


def _age(run: RunFolder) -> float | None:
    for path in (run.trace, run.environment):
        try:
            return max(time.time() - path.stat().st_mtime, 0.0)
        except FileNotFoundError:
            continue
    return None


def _quantity(name: str, first: Sequence[Row], recent: Sequence[Row]) -> Quantity:
    return Quantity(name, _median(first, name), _median(recent, name), _number(recent[-1], name) if recent else None)


def _median(rows: Sequence[Row], name: str) -> float | None:
    """Median over rows that have a number; NaN as soon as one of them is, which sorting would hide."""
    values = [value for row in rows if (value := _number(row, name)) is not None]
    if any(math.isnan(value) for value in values):
        return math.nan
    return statistics.median(values) if values else None


def _number(row: Row, name: str) -> float | None:
    value = row[name]
    return float(value) if isinstance(value, int | float) else None
