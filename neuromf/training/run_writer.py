"""Everything a training writes: records, checkpoints and samples; rank 0 keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from neuromf.config.derived import epoch_of_step, run_facts
from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.data.latent_set import LatentSet
from neuromf.monitor.engine import Monitor
from neuromf.monitor.events import Event, read_events
from neuromf.monitor.moments import latent_moments
from neuromf.trace.writer import TraceWriter
from neuromf.training.checkpoints.background import HEADER, BackgroundWriter, Cost
from neuromf.training.checkpoints.checkpoint import snapshot, write_checkpoint
from neuromf.training.checkpoints.folders import retention
from neuromf.training.held_out.decisions import is_best, metric_of, stop_reason
from neuromf.training.held_out.record import ValidationWriter
from neuromf.training.held_out.validator import Validation
from neuromf.training.records.pace import PaceWriter
from neuromf.training.records.previews import write_preview
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.records.step_writer import StepWriter, launch_events
from neuromf.training.records.storage import written_to
from neuromf.training.records.summary_writer import SummaryWriter
from neuromf.training.records.tensorboard import TensorBoardMirror
from neuromf.training.step.state import TrainState
from neuromf.training.step.train_step import StepRecord

TIMES_HEADER = "step,seconds\n"


class RunWriter:
    """Writes into one run's folder.

    Args:
        run: the folder.
        config: the run.
        steps: records each step.
        pace: open record of their times.
        validations: open record of the validations.
        checkpoints: writes them.
        shape: (C, D, H, W) of a latent.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        steps: StepWriter,
        pace: PaceWriter,
        validations: ValidationWriter,
        checkpoints: BackgroundWriter,
        shape: tuple[int, ...],
    ) -> None:
        self._run, self._config, self._shape = run, config, shape
        self._steps, self._pace, self._validations, self._checkpoints = steps, pace, validations, checkpoints
        self._told = {event.law for event in read_events(run.events)}

    def record(self, record: StepRecord, validation: Validation | None = None) -> list[Event]:
        """One step, with the validation that followed it; what is new is returned.

        Raises:
            InputError: the disk refuses it, or refused the checkpoint that was being written.
        """
        self._checkpoints.check()
        with written_to(self._run.root):
            events = self._steps.record(record, None if validation is None else validation.row.losses)
            if validation is not None:
                events += self._record_validation(validation)
            self._pace.done(record.row["step"] + 1)
            return events

    def _record_validation(self, validation: Validation) -> list[Event]:
        """Its row, its cost, and what is wrong, a law once."""
        self._validations.append(validation.row)
        with self._run.validation_times.open("a", encoding="ascii") as stream:
            stream.write(("" if stream.tell() else TIMES_HEADER) + f"{validation.row.step},{validation.seconds:.3f}\n")
        fresh = [event for event in validation.events if event.law not in self._told]
        self._told |= {event.law for event in fresh}
        for event in fresh:
            self._steps.tell(event)
        return fresh

    def stop_reason(self) -> str:
        """Why the run ends with its newest validation; empty where it goes on."""
        return stop_reason(self._validations.rows, self._config)

    def tell(self, event: Event) -> None:
        """Record an event."""
        with written_to(self._run.root):
            self._steps.tell(event)

    def save_best(self, state: TrainState) -> None:
        """`checkpoints/best`, where the newest validation is the best so far (law VAL-006).

        Raises:
            InputError: the disk refuses, or refused the checkpoint before.
        """
        if is_best(self._validations.rows, self._config):
            metric = self._config.training.validation_metric
            self._save(state, won_by=(metric, metric_of(self._validations.rows[-1], self._config)))

    def save(self, state: TrainState, halted: str = "", *, last: bool = False) -> None:
        """A checkpoint, never ahead of its trace, written while the training goes on.

        Args:
            state: what to save.
            halted: why the guard halted the run here.
            last: whether nothing follows, so that it is waited for.

        Raises:
            InputError: the disk refuses it, or refused the one before.
        """
        self._save(state, halted)
        if last:
            self._checkpoints.settle()

    def _save(self, state: TrainState, halted: str = "", won_by: tuple[str, float] | None = None) -> None:
        with written_to(self._run.root):
            self._steps.sync()
            self._validations.sync()
        loss = self._steps.recent_loss()
        name = config_hash(self._config)
        self._checkpoints.save(
            lambda former: snapshot(state, name, halted, raw_loss=loss, former=former, won_by=won_by)
        )

    def sample(self, state: TrainState) -> None:
        """One sample from the averaged weights, or the weights where there is no average."""
        with written_to(self._run.previews):
            changed = write_preview(self._run.previews, state, self._config, self._shape)
            if changed is not None:
                self._steps.tell(changed)


@contextmanager
def open_run_writer(
    run: RunFolder,
    config: Config,
    latents: LatentSet,
    state: TrainState,
    opening: Sequence[Event] = (),
    *,
    resumed: bool = False,
) -> Iterator[RunWriter | None]:
    """The writer of a run that is about to make step `state.step`, on rank 0 alone; later records are dropped.

    Args:
        run: the folder.
        config: the run.
        latents: what it trains on.
        state: the trainer's.
        opening: events to be recorded at that step.
        resumed: whether the rows before that step have been read and found whole, by `resume_run`.

    Raises:
        InputError: a record of the run is damaged, or the folder cannot be written.
    """
    opened: list[RunWriter] = []
    with ExitStack() as stack:
        state.group.run_on_rank_zero(
            lambda: opened.append(_open(stack, run, config, latents, state.step, opening, state.step if resumed else 0))
        )
        yield opened[0] if opened else None


def _open(
    stack: ExitStack,
    run: RunFolder,
    config: Config,
    latents: LatentSet,
    step: int,
    opening: Sequence[Event],
    covered: int,
) -> RunWriter:
    with written_to(run.root):
        (run.root / "checkpoints").mkdir(exist_ok=True)
        monitor = Monitor(config, latent_moments(latents), read_events(run.events))
        trace = stack.enter_context(TraceWriter(run.trace, step, latents.shape[1], covered))
        summary = stack.enter_context(SummaryWriter(run.summary, _next_epoch(config, step)))
        scalars = stack.enter_context(TensorBoardMirror(run.root / "tensorboard", step))
        steps = StepWriter(run, config, trace, summary, scalars, monitor, step)
        launched = launch_events(config, latents) if step == 0 else []
        for event in [*launched, *(replace(event, step=step) for event in opening)]:
            steps.tell(event)
        pace = stack.enter_context(PaceWriter(run.pace, step))
        validations = ValidationWriter(run.validations, config, step)
        checkpoints = stack.enter_context(_open_checkpoints(run, config))
    return RunWriter(run, config, steps, pace, validations, checkpoints, tuple(latents.shape[1:]))


def _open_checkpoints(run: RunFolder, config: Config) -> BackgroundWriter:
    """Writes checkpoints, and what each one cost into a table of its own."""
    rule = retention(config)

    def tell(cost: Cost) -> None:
        with written_to(run.root), run.checkpoint_times.open("a", encoding="ascii") as stream:
            stream.write(("" if stream.tell() else HEADER) + cost.line)

    return BackgroundWriter(lambda taken: write_checkpoint(run.root, taken, rule), tell)


def _next_epoch(config: Config, step: int) -> int:
    """The first epoch whose end is still to come; a run that is done may end in part of one, which is recorded."""
    done = step == run_facts(config).optimiser_steps
    return epoch_of_step(config, step - 1) + 1 if done else epoch_of_step(config, step)
