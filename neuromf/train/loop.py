"""The training loop: steps, records, checkpoints, and the guard's halt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import torch

from neuromf.config.derived import epoch_of_step, run_facts
from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.events import Event, append_event, drop_events
from neuromf.monitor.guard import Level, self_test
from neuromf.monitor.live import coverage_reading, data_reading, step_readings
from neuromf.trace.columns import Row
from neuromf.trace.reader import read_rows
from neuromf.trace.writer import TraceWriter
from neuromf.train.batches import BatchSource
from neuromf.train.checkpoint import Checkpoint, latest_checkpoint, remove_unfinished, restore, save_checkpoint
from neuromf.train.refusal import refuse_impossible
from neuromf.train.run_folder import RunFolder
from neuromf.train.scalars import ScalarMirror
from neuromf.train.state import TrainState, initial_state
from neuromf.train.step import StepRecord, train_step
from neuromf.train.summary import append_summary, epoch_summary, read_summary
from spec.registry import law


class Ending(StrEnum):
    """How a training ended; the text is what the user reads."""

    FINISHED = "finished"
    PAUSED = "paused at --max-steps; continue with --resume"
    HALTED = "halted by the divergence guard"


@dataclass(frozen=True)
class Outcome:
    """How a training ended, at which optimiser step, and why when it was halted."""

    ending: Ending
    step: int
    message: str = ""


OnStep = Callable[[StepRecord], None]


def train(
    config: Config,
    latents: torch.Tensor,
    run: RunFolder,
    *,
    device: torch.device,
    resume: bool = False,
    max_steps: int | None = None,
    on_step: OnStep | None = None,
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

    Raises:
        InputError: nothing to resume from, or a configuration that torch cannot run.
    """
    refuse_impossible(config)
    (run.root / "checkpoints").mkdir(exist_ok=True)
    std = latents.double().std(dim=(0, 2, 3, 4)).tolist()
    state = initial_state(config, tuple(std), device)
    if resume:
        _resume(state, run, config)
    if state.step == 0:
        _record_launch(run, config, latents)
    source = BatchSource(latents, config, device)
    last = min(max_steps or run_facts(config).optimiser_steps, run_facts(config).optimiser_steps)
    with TraceWriter(run.trace, state.step) as trace, ScalarMirror(run.root / "tensorboard", state.step) as scalars:
        recorder = _Recorder(run, config, trace, scalars, state.step)
        while state.step < last:
            record = train_step(state, source, config)
            recorder.record(record)
            if on_step is not None:
                on_step(record)
            if record.verdict.level in (Level.HALT, Level.NONFINITE):
                trace.sync()
                save_checkpoint(run.root, state, config_hash(config), halted=record.verdict.message)
                return Outcome(Ending.HALTED, state.step, record.verdict.message)
            if state.step % config.training.checkpoint_every_steps == 0 or state.step == last:
                trace.sync()
                save_checkpoint(run.root, state, config_hash(config))
    ending = Ending.FINISHED if state.step == run_facts(config).optimiser_steps else Ending.PAUSED
    return Outcome(ending, state.step)


class _Recorder:
    """Writes a step to trace, TensorBoard and events, and an epoch to the summary."""

    def __init__(self, run: RunFolder, config: Config, trace: TraceWriter, scalars: ScalarMirror, step: int) -> None:
        self._run, self._config, self._trace, self._scalars = run, config, trace, scalars
        self._warned = False
        self._broken: set[str] = set()
        # The rows of the epoch under way, also those written before a resume.
        self._rows: list[Row] = [row for row in read_rows(run.trace) if self._epoch(row) == epoch_of_step(config, step)]

    def _epoch(self, row: Row) -> int:
        step = row["step"]
        assert isinstance(step, int)
        return epoch_of_step(self._config, step)

    def record(self, record: StepRecord) -> None:
        """Record one step, and its epoch when it is the epoch's last."""
        self._rows.append(self._trace.append(record.row))
        self._scalars.add(record.row)
        self._record_event(record)
        self._record_laws(record)
        step = record.row["step"]
        assert isinstance(step, int)
        ends_run = step + 1 == run_facts(self._config).optimiser_steps
        if ends_run or epoch_of_step(self._config, step + 1) != self._epoch(record.row):
            append_summary(self._run.summary, epoch_summary(self._epoch(record.row), self._rows, record.block_norms))
            self._rows = []

    def _record_laws(self, record: StepRecord) -> None:
        """Write an event when a law of the running training breaks for the first time; the guard decides on halts."""
        for reading in (*step_readings(self._config, record.row), coverage_reading(record.coverage)):
            if not reading.finding.passed and reading.law_id not in self._broken:
                self._broken.add(reading.law_id)
                finding = reading.finding
                message = f"{law(reading.law_id).title}: {finding.value} {finding.unit}, bound {finding.bound}"
                step = int(record.row["step"] or 0)
                append_event(self._run.events, Event(step=step, level="warn", law=reading.law_id, message=message))

    def _record_event(self, record: StepRecord) -> None:
        level, step = record.verdict.level, record.row["step"]
        assert isinstance(step, int)
        if level is Level.OK or (level is Level.WARN and self._warned):
            return
        self._warned = True
        law_id = "NUM-001" if level is Level.NONFINITE else "GUARD-001"
        name = "warn" if level is Level.WARN else "halt"
        append_event(self._run.events, Event(step=step, level=name, law=law_id, message=record.verdict.message))


def _record_launch(run: RunFolder, config: Config, latents: torch.Tensor) -> None:
    """Record at the start whether the guard would have halted the failed run, and whether the latents are standardised.

    Laws GUARD-001 and DATA-001.
    """
    data = data_reading(latents)
    if not data.finding.passed:
        message = f"{data.finding.value} {data.finding.unit}, bound {data.finding.bound}; {data.finding.detail}"
        append_event(run.events, Event(step=0, level="warn", law=data.law_id, message=message))
    test = self_test(config.training)
    where = f"epoch {test.halted_epoch} of 225" if test.halted_epoch is not None else "no epoch"
    message = f"self-test: the failed run is halted at {where}, a healthy run {'is' if test.false_alarm else 'is not'}"
    level = "info" if test.passed else "warn"
    append_event(run.events, Event(step=0, level=level, law="GUARD-001", message=message))


def _resume(state: TrainState, run: RunFolder, config: Config) -> None:
    """Go on from the newest whole checkpoint, or from the start when the run was killed before its first."""
    remove_unfinished(run.root)
    read_summary(run.summary)  # now, not at the end of the first epoch
    damaged: list[str] = []
    checkpoint = latest_checkpoint(run.root, damaged)
    for message in damaged:
        append_event(run.events, Event(step=0, level="warn", law="CKPT-001", message=message))
    if checkpoint is None and damaged:
        remedy = "restore one, or start a new run with another --out"
        raise InputError("holds no whole checkpoint", remedy=remedy, file=run.root / "checkpoints")
    if checkpoint is None and _lines(run.trace) > config.training.checkpoint_every_steps + 1:
        problem = "the trace goes further than the first checkpoint, but there is none"
        raise InputError(problem, remedy="restore the checkpoints, or start a new run", file=run.root / "checkpoints")
    if checkpoint is not None:
        _refuse_halted(checkpoint)
        restore(state, checkpoint, config_hash(config))
    drop_events(run.events, state.step)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _refuse_halted(checkpoint: Checkpoint) -> None:
    """A halted run would halt again, and push its last good checkpoint out one step at a time."""
    if checkpoint.state["halted"]:
        problem = f"the guard halted this run ({checkpoint.state['halted']})"
        remedy = "start a new run with a corrected configuration, or remove this folder to go on from the one before"
        raise InputError(problem, remedy=remedy, file=checkpoint.path)
