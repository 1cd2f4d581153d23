"""What a training writes of each step: trace, TensorBoard, events, and a summary of each epoch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from neuromf.config.derived import epoch_of_step, run_facts
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet
from neuromf.monitor.checks.launch_checks import data_reading
from neuromf.monitor.engine import Monitor
from neuromf.monitor.events import Event, append_event
from neuromf.monitor.guard.guard import self_test
from neuromf.trace.average import mean
from neuromf.trace.columns import number
from neuromf.trace.reader import rows_from
from neuromf.trace.writer import TraceWriter
from neuromf.training.records.epoch_summary import EpochColumns
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.records.summary_writer import SummaryWriter
from neuromf.training.records.tensorboard import TensorBoardMirror
from neuromf.training.step.train_step import StepRecord


class StepWriter:
    """Writes one step after another.

    Args:
        run: where to.
        config: the run.
        trace: open trace.
        summary: open summary of the epochs.
        scalars: open TensorBoard mirror.
        monitor: judges each step.
        step: first step to come.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        trace: TraceWriter,
        summary: SummaryWriter,
        scalars: TensorBoardMirror,
        monitor: Monitor,
        step: int,
    ) -> None:
        self._run, self._config, self._trace, self._summary = run, config, trace, summary
        self._scalars, self._monitor = scalars, monitor
        # Of the epoch under way, and of the steps that a checkpoint is judged by, also those before a resume.
        recent = config.training.checkpoint_every_steps
        epoch = math.ceil(run_facts(config).steps_per_epoch) + 1
        self._epoch = EpochColumns(config.vae.latent_channels)
        self._recent = deque[float](maxlen=recent)
        for row in rows_from(run.trace, step - max(recent, epoch)):
            if epoch_of_step(config, int(number(row, "step"))) == epoch_of_step(config, step):
                self._epoch.add(row)
            self._recent.append(number(row, "raw_total"))

    def record(self, record: StepRecord, validation: Mapping[str, float] | None = None) -> list[Event]:
        """Record one step, and its epoch when it is the epoch's last; return what is new.

        Args:
            record: the step.
            validation: what was found of the weights after it, where they were validated; its epoch's summary has it.
        """
        written = self._trace.append(record.row)
        self._epoch.add(written)
        self._recent.append(number(written, "raw_total"))
        self._scalars.add(record.row)
        events = self._monitor.judge(record.row, record.verdict, record.checks)
        for event in events:
            self.tell(event)
        if validation is not None:
            self._scalars.add_validation(validation, record.row["step"] + 1)
        self._end_epoch(record.row["step"], record.block_norms, validation)
        return events

    def _end_epoch(self, step: int, block_norms: Mapping[str, float], validation: Mapping[str, float] | None) -> None:
        epoch = epoch_of_step(self._config, step)
        ends_run = step + 1 == run_facts(self._config).optimiser_steps
        if ends_run or epoch_of_step(self._config, step + 1) != epoch:
            self._summary.append(self._epoch.summary(epoch, block_norms) | dict(validation or {}))
            self._epoch = EpochColumns(self._config.vae.latent_channels)

    def sync(self) -> None:
        """Force trace and summary to disk, so that a checkpoint is never ahead of them."""
        self._trace.sync()
        self._summary.sync()

    def recent_loss(self) -> float:
        """Mean raw loss of the last `checkpoint_every_steps` steps, which one step's times and noise hardly move."""
        return mean(self._recent) if self._recent else math.nan

    def tell(self, event: Event) -> None:
        """Record one event."""
        append_event(self._run.events, event)
        self._scalars.tell(event)


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
