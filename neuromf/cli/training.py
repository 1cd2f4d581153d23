"""A training with its output on the console: encoding, the run folder, a progress bar, the outcome."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch

from neuromf.cli.console import make_console, progress_bar
from neuromf.cli.encoding import encoding_shown, tell
from neuromf.cli.explanation import explain_halt
from neuromf.cli.progress import ProgressFile
from neuromf.cli.starting import Start
from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.counted import counted
from neuromf.data.chosen import Cohort
from neuromf.data.covariates import Covariates, read_covariates
from neuromf.data.latent_set import StoredLatents
from neuromf.data.store import LatentStore, open_latents
from neuromf.errors import InputError
from neuromf.lock import refuse_in_use
from neuromf.monitor.checks.network_probe import refuse_unfit
from neuromf.monitor.events import Event
from neuromf.monitor.notice import Notifier
from neuromf.trace.columns import number_or_none
from neuromf.training import loop
from neuromf.training.held_out.cost import time_told
from neuromf.training.held_out.record import read_validations
from neuromf.training.held_out.told import told
from neuromf.training.held_out.validator import nothing_to_validate
from neuromf.training.initial_weights import check_start
from neuromf.training.latents.frozen import REAL, begin, go_on
from neuromf.training.latents.store import help_encoding, look_over, store_settings
from neuromf.training.loop import Ending, Outcome
from neuromf.training.process_group.interruption import Interrupted, Interruption
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.run_folder import (
    CODE_HASH,
    RunFolder,
    check_new_run,
    code_facts,
    create_run,
    open_run,
    recorded_environment,
)
from neuromf.training.step.train_step import StepRecord
from neuromf.training.validation import refuse_uneven

EXIT_CODES = {Ending.HALTED: 16, Ending.IRREPRODUCIBLE: 17, Ending.INTERRUPTED: os.EX_TEMPFAIL}
"""16: halted by the guard. 17: a step gave other numbers when run again. 75: a signal ended it, queue it again."""


def exit_code(outcome: Outcome) -> int:
    """What the process ends with; 0 where nothing else was said."""
    return EXIT_CODES.get(outcome.ending, 0)


def prepare(
    config: Config,
    out: Path,
    group: ProcessGroup,
    start: Start,
    *,
    resume: bool,
    gate: str,
    real: int = REAL,
    interrupted: Interruption,
    progress: ProgressFile,
    device: torch.device | str = "cpu",
    encoders: int | None = 0,
    cohort: Cohort | None = None,
    begun: Callable[[], None] = lambda: None,
) -> LatentStore:
    """The latents and the run's folder, made by rank 0; other ranks open what it made.

    Args:
        config: the run.
        out: its folder.
        group: who shares it.
        start: what it computes on, for the record of a new run.
        resume: whether it exists already.
        gate: what the gate said of it, for the record of a new run.
        real: real latents that a new run keeps.
        interrupted: catches signals, which end the encoding at once.
        progress: counts the latents that are made.
        device: where the autoencoder computes.
        encoders: processes that prepare scans for it; None chooses.
        cohort: the scans of a new run, where they were looked for already.
        begun: called whenever a scan was read or encoded, which takes long.

    Raises:
        InputError: the folder, the scans or the latents do not fit; then nothing was written into `out`.
        Interrupted: a signal came before all latents were there; nothing was written into `out`.
    """
    group.run_on_rank_zero(partial(_refuse_early, config, group, torch.device(device), resume=resume))
    opened: list[LatentStore] = []
    cohort = cohort or Cohort(config.data)
    shared = group.size > 1 and not resume and config.data.root is not None
    if shared:
        group.run_on_rank_zero(partial(_look_first, config, cohort, out, interrupted))
        if group.rank:
            _help(config, cohort, device, encoders, interrupted)
    here = partial(
        _prepare, config, out, opened, start, resume=resume, gate=gate, real=real, interrupted=interrupted,
        progress=progress, device=device, encoders=encoders, looked_over=shared, cohort=cohort, begun=begun,
    )  # fmt: skip
    path = group.run_on_rank_zero(here)
    return opened[0] if opened else open_latents(path, verify=False)


def _refuse_early(config: Config, group: ProcessGroup, device: torch.device, *, resume: bool) -> None:
    """What can be known before minutes of encoding."""
    refuse_uneven(config, group)
    refuse_unfit(config, device)
    if not resume:
        check_start(config)


def _prepare(
    config: Config, out: Path, opened: list[LatentStore], start: Start, *, resume: bool, gate: str, real: int,
    interrupted: Interruption, progress: ProgressFile, device: torch.device | str, encoders: int | None,
    looked_over: bool, cohort: Cohort, begun: Callable[[], None],
) -> Path:  # fmt: skip
    # Before minutes of encoding, and before anything is written.
    if resume:
        refuse_in_use(open_run(out, config)[0].lock, out)
    else:
        check_new_run(out)
    with encoding_shown() as show, interrupted.at_once():

        def on_progress(done: int, total: int) -> None:
            begun()
            progress.scans, progress.total = done, total
            show.encoded(done, total)
            interrupted.check()

        def on_look(done: int, total: int) -> None:
            begun()
            show.looked(done, total)
            interrupted.check()

        if resume:
            store = go_on(RunFolder(out), config, on_progress, real=real, workers=encoders, device=device)
        else:
            beginning = begin(
                config, on_progress, tell, on_look=on_look, cohort=cohort, workers=encoders, device=device,
                looked_over=looked_over,
            )  # fmt: skip
            store = beginning.store
    if config.training.validate_every_epochs and not store.scan_ids("validation"):
        raise nothing_to_validate()
    if not store.scan_ids("train"):
        remedy = "give more subjects or a larger first ratio"
        raise InputError("the training split is empty", remedy=remedy, key="data.split_ratios")
    if resume:
        make_console().print(f"going on with the {len(store.manifest)} scans it began with", soft_wrap=True)
    else:
        keep = partial(beginning.keep, real=real)
        create_run(out, config, store.description.content_hash, gate=gate, device=start.facts, keep=keep)
    opened.append(store)
    return store.path


def _look_first(config: Config, cohort: Cohort, out: Path, interrupted: Interruption) -> None:
    """What would end the run is told before all ranks begin to encode, for one that encodes hears of nothing."""
    check_new_run(out)
    with interrupted.at_once():
        look_over(store_settings(config), cohort, lambda done, total: interrupted.check(), tell)


def _help(
    config: Config, cohort: Cohort, device: torch.device | str, encoders: int | None, interrupted: Interruption
) -> None:
    """Encode with rank 0; what goes wrong here goes wrong there too, and is told there."""
    with suppress(InputError, Interrupted), interrupted.at_once():
        settings = store_settings(config, workers=encoders, device=device)
        help_encoding(cohort.scans, settings, on_progress=lambda done, total: interrupted.check())


def run_training(
    config: Config,
    store: LatentStore,
    out: Path,
    group: ProcessGroup,
    start: Start,
    *,
    device: torch.device,
    resume: bool,
    max_steps: int | None,
    workers: int,
    interrupted: Callable[[], str],
    notifier: Notifier | None = None,
) -> Outcome:
    """Train with a bar and the events on rank 0; a signal ends it with a checkpoint, a notice is sent of each alarm."""
    # Rank 0 alone records, and read this file a moment ago.
    known = recorded_environment(RunFolder(out)) if resume and group.rank == 0 else {}
    changed = _changed_code(config, known)
    opening = [*start.events(known), *changed]
    console, facts = make_console(), run_facts(config)
    total = facts.optimiser_steps
    if group.rank == 0 and facts.idle_micro_batches:
        idle = f"the last {facts.idle_micro_batches} micro-batches of the run are too few for an update"
        console.print(
            f"{idle} and train nothing (law BATCH-001; the gate names a setting that uses them)", soft_wrap=True
        )
    held_out = StoredLatents(store, "validation") if config.training.validate_every_epochs else None
    covariates = _covariates(config, store, out)
    with progress_bar("training", shown=group.rank == 0) as show:

        def on_step(record: StepRecord) -> None:
            show(record.row["step"] + 1, min(max_steps or total, total), note(record, config))

        def on_event(event: Event) -> None:
            if group.rank == 0:
                console.print(f"{event.level} at step {event.step}, {event.law}: {event.message}", soft_wrap=True)
                if notifier is not None:
                    notifier.tell(event)

        for event in changed:
            on_event(event)
        return loop.train(
            config, StoredLatents(store, "train"), RunFolder(out), device=device,
            validation=held_out, covariates=covariates, resume=resume, max_steps=max_steps, workers=workers,
            opening=opening, on_step=on_step, on_event=on_event, interrupted=interrupted,
        )  # fmt: skip


def _covariates(config: Config, store: LatentStore, out: Path) -> Covariates | None:
    """Those that the run began with; None where its network is told of none."""
    if not config.covariates.columns:
        return None
    splits = store.scan_ids("train"), store.scan_ids("validation")
    return read_covariates(RunFolder(out).latents, config.covariates, *splits)


def _changed_code(config: Config, known: Mapping[str, str]) -> list[Event]:
    """That the code of an own network is not that with which the run began."""
    was, now = known.get(CODE_HASH), code_facts(config).get(CODE_HASH) if known else None
    if was is None or was == now:
        return []
    said = f"the code of {config.unet.factory} has changed since the run began: what follows may be another network's"
    return [Event(step=0, level="warn", law="CKPT-001", message=said)]


def report_interrupted(name: str, progress: ProgressFile) -> None:
    """Say that a signal came before the first step, what is kept, and how to go on."""
    made = f"{progress.scans} of {progress.total} done; those are kept in the cache" if progress.total else "none yet"
    said = f"interrupted ({name}) while latents were made, {made}; go on with the same command"
    make_console().print(said, soft_wrap=True)


def report(outcome: Outcome, out: Path, config: Config) -> None:
    """Say how it ended, and after a halt why."""
    console, run = make_console(), RunFolder(out)
    said = f" ({outcome.message})" if outcome.ending in (Ending.INTERRUPTED, Ending.STOPPED_EARLY) else ""
    steps = counted(outcome.step, "optimiser step")
    console.print(f"{outcome.ending.value}{said} after {steps}; the run is in {out}", soft_wrap=True)
    for line in _validated(run, config):
        console.print(line, soft_wrap=True)
    if outcome.ending in (Ending.HALTED, Ending.IRREPRODUCIBLE):
        console.print(explain_halt(run, config), end="", soft_wrap=True, markup=False, highlight=False)
        console.print(f"the last state is in {out / 'checkpoints'}, the steps in {run.trace}", soft_wrap=True)


def _validated(run: RunFolder, config: Config) -> Iterator[str]:
    """What the validations found, which checkpoint is the best, and what they cost."""
    rows = read_validations(run.validations)
    if rows:
        yield told(rows, config)
        yield time_told(run)


def note(record: StepRecord, config: Config) -> str:
    """The raw loss always, next to the one that is reported: that one alone once hid an explosion."""
    row, reported = record.row, config.training.reported_loss

    def shown(name: str) -> str:
        value = number_or_none(row, name)
        return "-" if value is None else f"{value:.4g}"

    raw = f"raw {shown('raw_total')} (FM {shown('raw_fm')}, MF {shown('raw_mf')})"
    return f"{raw} {reported} {shown(reported)}"
