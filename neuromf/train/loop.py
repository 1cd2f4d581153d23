"""The training loop: steps, records, checkpoints, samples, and the guard's halt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch

from neuromf.config.derived import run_facts
from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.monitor.alarm import Level
from neuromf.monitor.engine import Monitor
from neuromf.monitor.events import Event, read_events
from neuromf.monitor.moments import latent_moments
from neuromf.trace.writer import TraceWriter
from neuromf.train.batches import BatchSource
from neuromf.train.checkpoint import save_checkpoint
from neuromf.train.recorder import Recorder, launch_events
from neuromf.train.refusal import refuse_impossible
from neuromf.train.resume import resume_run
from neuromf.train.run_folder import RunFolder
from neuromf.train.samples import is_sampled, leave_sample
from neuromf.train.scalars import ScalarMirror
from neuromf.train.state import TrainState, initial_state
from neuromf.train.step import StepRecord, train_step


class Ending(StrEnum):
    """How a training ended; the text is what the user reads."""

    FINISHED = "finished"
    PAUSED = "paused at --max-steps; continue with --resume"
    HALTED = "halted by the divergence guard"
    IRREPRODUCIBLE = "stopped: a step did not repeat itself"


@dataclass(frozen=True)
class Outcome:
    """How a training ended, at which optimiser step, and why when it was halted."""

    ending: Ending
    step: int
    message: str = ""


OnStep = Callable[[StepRecord], None]
OnEvent = Callable[[Event], None]


def train(
    config: Config,
    latents: torch.Tensor,
    run: RunFolder,
    *,
    device: torch.device,
    resume: bool = False,
    max_steps: int | None = None,
    on_step: OnStep | None = None,
    on_event: OnEvent | None = None,
) -> Outcome:
    """Train to the end of the run, to `max_steps`, or to a halt.

    Args:
        config: the run.
        latents: normalised training latents (N, C, D, H, W), float32.
        run: where it is recorded.
        device: where it computes.
        resume: go on from the newest whole checkpoint.
        max_steps: stop, with a checkpoint, once this many optimiser steps of the run are done.
        on_step: called after each step.
        on_event: called with each alarm.

    Raises:
        InputError: nothing to resume from, or a configuration that torch cannot run.
    """
    refuse_impossible(config)
    (run.root / "checkpoints").mkdir(exist_ok=True)
    std = latents.double().std(dim=(0, 2, 3, 4)).tolist()
    state = initial_state(config, tuple(std), device)
    if resume:
        resume_run(state, run, config)
    monitor = Monitor(config, latent_moments(latents), read_events(run.events))
    with TraceWriter(run.trace, state.step) as trace, ScalarMirror(run.root / "tensorboard", state.step) as scalars:
        recorder = Recorder(run, config, trace, scalars, monitor, state.step)
        for event in launch_events(config, latents) if state.step == 0 else []:
            recorder.tell(event)
        source = BatchSource(latents, config, device)
        last = min(max_steps or run_facts(config).optimiser_steps, run_facts(config).optimiser_steps)
        while state.step < last:
            record = train_step(state, source, config)
            _tell(recorder.record(record), record, on_step, on_event)
            if record.verdict.level not in (Level.OK, Level.WARN):
                trace.sync()
                return _stop(run, state, config, record)
            if state.step % config.training.checkpoint_every_steps == 0 or state.step == last:
                trace.sync()
                save_checkpoint(run.root, state, config_hash(config))
            if is_sampled(state.step, config.training.checkpoint_every_steps) or state.step == last:
                changed = leave_sample(run.previews, state, config, tuple(latents.shape[1:]))
                if changed is not None:
                    recorder.tell(changed)
    ending = Ending.FINISHED if state.step == run_facts(config).optimiser_steps else Ending.PAUSED
    return Outcome(ending, state.step)


def _tell(events: list[Event], record: StepRecord, on_step: OnStep | None, on_event: OnEvent | None) -> None:
    if on_step is not None:
        on_step(record)
    for event in events if on_event is not None else []:
        assert on_event is not None
        on_event(event)


def _stop(run: RunFolder, state: TrainState, config: Config, record: StepRecord) -> Outcome:
    """Save what is there; a run that the machine stopped may go on elsewhere, one that diverged may not."""
    message = record.verdict.message
    broken_machine = record.verdict.level is Level.IRREPRODUCIBLE
    save_checkpoint(run.root, state, config_hash(config), halted="" if broken_machine else message)
    return Outcome(Ending.IRREPRODUCIBLE if broken_machine else Ending.HALTED, state.step, message)
