"""What a training writes of each step: trace, TensorBoard, events, and a summary of each epoch."""

from __future__ import annotations

import math
from collections import deque

from neuromf.config.derived import epoch_of_step, run_facts
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet
from neuromf.monitor.checks.runtime_checks import data_reading
from neuromf.monitor.engine import Monitor
from neuromf.monitor.events import Event, append_event
from neuromf.monitor.guard.guard import self_test
from neuromf.trace.average import mean
from neuromf.trace.columns import Row
from neuromf.trace.reader import last_rows
from neuromf.trace.writer import TraceWriter
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.records.summary import append_summary, epoch_summary
from neuromf.training.records.tensorboard import ScalarMirror
from neuromf.training.step.train_step import StepRecord


class Recorder:
    """Writes what a step left behind.

    Args:
        run: where to.
        config: the run.
        trace: open trace.
        scalars: open TensorBoard mirror.
        monitor: judges each step.
        step: first step to come.
    """

    def __init__(
        self, run: RunFolder, config: Config, trace: TraceWriter, scalars: ScalarMirror, monitor: Monitor, step: int
    ) -> None:
        self._run, self._config, self._trace, self._scalars, self._monitor = run, config, trace, scalars, monitor
        # Of the epoch under way, and of the steps that a checkpoint is judged by, also those before a resume.
        recent = config.training.checkpoint_every_steps
        epoch = math.ceil(run_facts(config).steps_per_epoch) + 1
        former = last_rows(run.trace, max(recent, epoch))
        self._rows: list[Row] = [row for row in former if self._epoch(row) == epoch_of_step(config, step)]
        self._recent = deque((_raw_loss(row) for row in former), maxlen=recent)

    def _epoch(self, row: Row) -> int:
        return epoch_of_step(self._config, _step(row))

    def record(self, record: StepRecord) -> list[Event]:
        """Record one step, and its epoch when it is the epoch's last; return what is new."""
        self._rows.append(self._trace.append(record.row))
        self._recent.append(_raw_loss(self._rows[-1]))
        self._scalars.add(record.row)
        events = self._monitor.judge(record.row, record.verdict, record.checks)
        for event in events:
            self.tell(event)
        step = _step(record.row)
        ends_run = step + 1 == run_facts(self._config).optimiser_steps
        if ends_run or epoch_of_step(self._config, step + 1) != self._epoch(record.row):
            append_summary(self._run.summary, epoch_summary(self._epoch(record.row), self._rows, record.block_norms))
            self._rows = []
        return events

    def recent_loss(self) -> float:
        """Mean raw loss of the last `checkpoint_every_steps` steps, which one step's times and noise hardly move."""
        return mean(self._recent) if self._recent else math.nan

    def tell(self, event: Event) -> None:
        """Record one event."""
        append_event(self._run.events, event)
        self._scalars.tell(event)


def _step(row: Row) -> int:
    step = row["step"]
    assert isinstance(step, int)
    return step


def _raw_loss(row: Row) -> float:
    value = row["raw_total"]
    return math.nan if value is None else float(value)


def launch_events(config: Config, latents: LatentSet) -> list[Event]:
    """Whether the latents are standardised, and whether the guard would have halted the failed run.

    Laws DATA-001 and GUARD-001.
    """
    events = []
    data = data_reading(latents)
    if not data.finding.passed:
        message = f"{data.finding.value} {data.finding.unit}, bound {data.finding.bound}; {data.finding.detail}"
        events.append(Event(step=0, level="warn", law=data.law_id, message=message))
    test = self_test(config)
    where = f"epoch {test.halted_epoch} of 225" if test.halted_epoch is not None else "no epoch"
    message = f"self-test: the failed run is halted at {where}, a healthy run {'is' if test.false_alarm else 'is not'}"
    return [*events, Event(step=0, level="info" if test.passed else "warn", law="GUARD-001", message=message)]
