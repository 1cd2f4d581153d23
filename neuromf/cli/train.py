"""`neuromf train`: trains a configuration into a run folder, in one process or as one of torchrun's."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.admission import GateOptions, require_admission
from neuromf.cli.lasting_output import lasting_output
from neuromf.cli.options import (
    ConfigArgument,
    DeviceOption,
    InitFromOption,
    NotifyOption,
    ProgressOption,
    RealLatentsOption,
    SetOption,
    WaiversOption,
    with_start,
)
from neuromf.cli.progress import ProgressFile
from neuromf.cli.start_of_life import start_of_life
from neuromf.config.load import load_config
from neuromf.data.chosen import Cohort
from neuromf.training.process_group.interruption import Interrupted, Interruption, listening
from neuromf.training.process_group.place import launched_place

if TYPE_CHECKING:
    from neuromf.config.schema import Config
    from neuromf.monitor.notice import Notifier


def train(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", help="Run folder; must not exist, unless --resume.")],
    override: SetOption = None,
    init_from: InitFromOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest whole checkpoint.")] = False,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", min=1, help="Stop after this many optimiser steps of the run.")
    ] = None,
    device: DeviceOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, max=256, help="Processes that draw batches; default 2 for a GPU.")
    ] = None,
    ticket: Annotated[
        Path | None,
        typer.Option("--ticket", help="Verdict of `neuromf gate --json` on this configuration, instead of a new one."),
    ] = None,
    waivers: WaiversOption = None,
    allow_blocked: Annotated[
        str | None,
        typer.Option(
            "--allow-blocked", metavar="REASON", help="Train although laws block it; the run keeps the reason."
        ),
    ] = None,
    real_latents: RealLatentsOption = 4,
    progress: ProgressOption = None,
    notify: NotifyOption = None,
) -> None:
    """Train a configuration that passes the static gate, alone or under torchrun.

    Exit code 1 when a law blocks it, 16 when the divergence guard halts it, 17 when a step does not repeat itself, 75
    when SIGTERM, SIGUSR1, SIGHUP or Ctrl-C ended it: its step was finished and saved, go on with --resume. A second
    Ctrl-C ends it at once, unsaved, with 130. While latents are made any signal ends it with 75, and the same command
    goes on. SIGHUP is what the end of an ssh connection sends; under nohup the training goes on.

    --resume does not ask the gate again, for the run passed it when it was new; --ticket, --waivers and --allow-blocked
    have no effect then. --progress FILE holds `scans N` before the first step and `step N` after; it changes exactly
    when the run has got further. --notify sends each alarm once, by law and level; a notice that fails stops nothing.
    """
    with listening() as interrupted, lasting_output(), start_of_life() as begun:
        overrides = with_start(override, init_from)
        settings = load_config(config, overrides)
        place = launched_place()
        if place.speaks:
            interrupted.tell = _say_what_happens
        options = GateOptions(ticket, waivers, allow_blocked)
        # A run that exists passed the gate when it was started, with this very configuration.
        cohort = Cohort(settings.data)
        admit = partial(require_admission, settings, config, overrides, options, cohort)
        so_far = ProgressFile(progress)
        notifier = _notifier(notify, out, resume=resume) if place.speaks else None
        try:
            code = _train(
                settings, cohort, out, admit, interrupted, so_far, begun,
                resume=resume, max_steps=max_steps, device=device, workers=workers, real_latents=real_latents,
                notifier=notifier,
            )  # fmt: skip
        finally:
            if notifier is not None:
                notifier.settle()
    if code:
        raise typer.Exit(code)


def _train(
    config: Config, cohort: Cohort, out: Path, admit: Callable[[], str], interrupted: Interruption,
    so_far: ProgressFile, begun: Callable[[], None], *, resume: bool, max_steps: int | None,
    device: str | None, workers: int | None, real_latents: int, notifier: Notifier | None,
) -> int:  # fmt: skip
    """The exit code of a training."""
    from neuromf.training.validation import refuse_impossible

    refuse_impossible(config)
    so_far.check()
    gate = "" if resume else admit()

    from neuromf.cli.starting import announce
    from neuromf.cli.training import exit_code, prepare, report, report_interrupted, run_training
    from neuromf.training.device.arithmetic import refuse_wrong_arithmetic
    from neuromf.training.device.choice import DRAWN_AHEAD, training_device
    from neuromf.training.process_group.ranks import ToldError
    from neuromf.training.process_group.start import own_device_name, process_group

    settings = config.training
    where = training_device(own_device_name(device), settings.gpus, deterministic=settings.deterministic)
    refuse_wrong_arithmetic(config, where)  # before minutes of encoding
    drawing = DRAWN_AHEAD[where.type] if workers is None else workers
    with process_group(where) as group:
        try:
            start = announce(where, group)
            store = prepare(
                config, out, group, start, resume=resume, gate=gate, real=real_latents, interrupted=interrupted,
                progress=so_far, device=where, encoders=None, cohort=cohort, begun=begun,
            )  # fmt: skip
            import torch._dynamo  # noqa: F401 - torch's optimisers load it at their first step, with a thousand modules

            begun()
            outcome = run_training(
                config, store, out, group, start, device=where, resume=resume, max_steps=max_steps, workers=drawing,
                interrupted=interrupted, notifier=notifier,
            )  # fmt: skip
        except ToldError as error:
            if group.rank == 0:  # all ranks know; one sentence is enough
                raise
            raise typer.Exit(2) from error
        except Interrupted as stopped:
            if group.rank == 0:
                so_far.note()
                report_interrupted(stopped.name, so_far)
            raise typer.Exit(os.EX_TEMPFAIL) from stopped
    if group.rank == 0:
        so_far.note(outcome.step)
        report(outcome, out, config)
    return exit_code(outcome)


def _notifier(target: str | None, out: Path, *, resume: bool) -> Notifier | None:
    """Sends alarms; those that a run that goes on has told before are not told again."""
    if target is None:
        return None
    from neuromf.monitor.events import read_events
    from neuromf.monitor.notice import Notifier
    from neuromf.training.records.run_folder import RunFolder

    return Notifier(target, out.resolve(), known=read_events(RunFolder(out).events) if resume else ())


def _say_what_happens(name: str) -> None:
    """On standard error, from within the handler of a signal, where `print` may be under way already."""
    again = "; Ctrl-C once more ends it at once, unsaved" if name == "SIGINT" else ""
    os.write(2, f"\nneuromf: {name} came: what is under way is finished and saved, then the run ends{again}\n".encode())
