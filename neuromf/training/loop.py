"""The training loop: steps, records, checkpoints, samples, and the guard's halt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import torch

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.data.covariates import Covariates
from neuromf.data.latent_set import LatentSet, channel_std
from neuromf.monitor.events import Event
from neuromf.monitor.guard.alarm import Level
from neuromf.training.batches.source import BatchSource
from neuromf.training.batches.stream import open_source
from neuromf.training.held_out.validator import Validation, Validator
from neuromf.training.initial_weights import start_from
from neuromf.training.process_group.ranks import current_group
from neuromf.training.records.previews import is_sampled
from neuromf.training.records.run_folder import RunFolder
from neuromf.training.resume import resume_run
from neuromf.training.run_writer import RunWriter, open_run_writer
from neuromf.training.single_writer import only_writer
from neuromf.training.step.state import TrainState, initial_state
from neuromf.training.step.train_step import StepRecord, train_step, warm_up_gradient_buckets
from neuromf.training.validation import refuse_impossible, refuse_uneven


class Ending(StrEnum):
    """How a training ended; the text is what the user reads."""

    FINISHED = "finished"
    STOPPED_EARLY = "stopped early"
    PAUSED = "paused at --max-steps; continue with --resume"
    INTERRUPTED = "interrupted, with a checkpoint; continue with --resume"
    HALTED = "halted by the divergence guard"
    IRREPRODUCIBLE = "stopped: a step did not repeat itself"


@dataclass(frozen=True)
class Outcome:
    """How a training ended, at which optimiser step, and why when it did not come to its end."""

    ending: Ending
    step: int
    message: str = ""


OnStep = Callable[[StepRecord], None]
OnEvent = Callable[[Event], None]


def train(
    config: Config,
    latents: LatentSet,
    run: RunFolder,
    *,
    device: torch.device,
    validation: LatentSet | None = None,
    covariates: Covariates | None = None,
    resume: bool = False,
    max_steps: int | None = None,
    workers: int = 0,
    opening: Sequence[Event] = (),
    on_step: OnStep = lambda record: None,
    on_event: OnEvent = lambda event: None,
    interrupted: Callable[[], str] = str,
) -> Outcome:
    """Train to the end of the run, to an early stop, to `max_steps`, to a halt, or until a signal comes.

    In a process group every rank calls this; rank 0 alone writes, and all end alike.

    Args:
        config: the run.
        latents: normalised training latents (N, C, D, H, W), float32.
        run: where it is recorded.
        device: where it computes.
        validation: normalised latents of the validation split, for a run that validates.
        covariates: of both, for a run whose network is told of some.
        resume: go on from the newest whole checkpoint.
        max_steps: stop, with a checkpoint, once this many optimiser steps of the run are done.
        workers: processes that draw micro-batches ahead; they change nothing but the time a step waits.
        opening: what is known before the first step, recorded as events of it.
        on_step: called after each step, on rank 0.
        on_event: called with each alarm, on rank 0.
        interrupted: name of a signal that asks for the end, empty while none came; the step is finished and saved.

    Raises:
        InputError: nothing to resume from, a configuration that torch cannot run, a disk that refuses, or a run that
            another training writes.
    """
    refuse_impossible(config)
    group = current_group()
    refuse_uneven(config, group)
    source = BatchSource(latents, config, device, None if covariates is None else covariates.training)
    validator = Validator(config, latents, validation, covariates)
    with only_writer(run, config, group, resume=resume):
        state = initial_state(config, channel_std(latents), device, group)
        if resume:
            for event in resume_run(state, run, config):
                on_event(event)
        # Before the first step there is nothing to go on from, also where a run was killed before its first checkpoint.
        begun = start_from(state, run, config) if state.step == 0 else []
        for event in begun:
            on_event(event)
        steps = run_facts(config).optimiser_steps
        with (
            open_run_writer(run, config, latents, state, [*opening, *begun], resumed=resume) as writer,
            open_source(source, first=state.step, group=group, workers=workers) as opened,
        ):
            last = min(max_steps or steps, steps)
            training = _Training(state, opened, validator, writer, config, last, on_step, on_event)
            return training.run(interrupted)


@dataclass(frozen=True)
class _Training:
    state: TrainState
    source: BatchSource
    validator: Validator
    writer: RunWriter | None
    config: Config
    last: int
    on_step: OnStep
    on_event: OnEvent

    def run(self, interrupted: Callable[[], str]) -> Outcome:
        state = self.state
        if ended := state.group.run_on_rank_zero(self._stopped_before):
            return Outcome(Ending.STOPPED_EARLY, state.step, ended)
        if state.step < self.last:
            warm_up_gradient_buckets(state, self.source, self.config)
        while state.step < self.last:
            record = train_step(state, self.source, self.config)
            asked = state.group.any(bool(interrupted()))
            validation = None if _is_over(record) else self.validator.after_step(state)
            stop = state.group.run_on_rank_zero(partial(self._write, record, validation, asked=asked))
            if _is_over(record):
                return Outcome(_ending(record), state.step, record.verdict.message)
            if stop:
                return Outcome(Ending.STOPPED_EARLY, state.step, stop)
            if asked and state.step < self.last:
                return Outcome(Ending.INTERRUPTED, state.step, interrupted() or "a signal to another rank")
        return Outcome(Ending.FINISHED if state.step == self._whole else Ending.PAUSED, state.step)

    def _stopped_before(self) -> str:
        """Why a run that is resumed had ended early; rank 0 alone is here."""
        return self.writer.stop_reason() if self.writer is not None and self.state.step < self._whole else ""

    def _write(self, record: StepRecord, validation: Validation | None, *, asked: bool) -> str:
        """What one step leaves on disk, and why the run ends early after it; rank 0 alone is here."""
        writer = self.writer
        assert writer is not None  # rank 0 has one
        events = writer.record(record, validation)
        self.on_step(record)
        for event in events:
            self.on_event(event)
        if _is_over(record):  # a run that the machine stopped may go on elsewhere, one that diverged may not
            diverged = _ending(record) is Ending.HALTED
            writer.save(self.state, halted=record.verdict.message if diverged else "", last=True)
            return ""
        step, every = self.state.step, self.config.training.checkpoint_every_steps
        stop = self._judge_validation(writer) if validation is not None and step < self._whole else ""
        ends = step == self.last or bool(stop)
        # Before the checkpoint, from which a killed run goes on: what comes after it is never made again.
        if is_sampled(step, every) or ends:
            writer.sample(self.state)
        if validation is not None:
            writer.save_best(self.state)
        if step % every == 0 or ends or asked:
            writer.save(self.state, last=ends or asked)
        return stop

    @property
    def _whole(self) -> int:
        """Optimiser steps of the whole run."""
        return run_facts(self.config).optimiser_steps

    def _judge_validation(self, writer: RunWriter) -> str:
        """Why the run ends early, which is recorded; empty where it goes on."""
        stop = writer.stop_reason()
        if stop:
            event = Event(step=self.state.step - 1, level="info", law="VAL-002", message=f"stopped early: {stop}")
            writer.tell(event)
            self.on_event(event)
        return stop


def _is_over(record: StepRecord) -> bool:
    return record.verdict.level not in (Level.OK, Level.WARN)


def _ending(record: StepRecord) -> Ending:
    return Ending.IRREPRODUCIBLE if record.verdict.level is Level.IRREPRODUCIBLE else Ending.HALTED
