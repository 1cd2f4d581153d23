"""`neuromf train`: from a configuration to a run folder, alone or as one of torchrun's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.let_in import Asked, let_in
from neuromf.cli.options import ConfigArgument, DeviceOption, RealLatentsOption, SetOption, WaiversOption
from neuromf.config.load import load_config
from neuromf.errors import InputError


def train(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", help="Run folder; must not exist, unless --resume.")],
    override: SetOption = None,
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
        typer.Option("--ticket", help="Verdict of `neuromf gate --json` on this configuration; not asked again."),
    ] = None,
    waivers: WaiversOption = None,
    despite: Annotated[
        str | None,
        typer.Option("--despite", metavar="WHY", help="Train although laws block it; the run keeps the reason."),
    ] = None,
    real_latents: RealLatentsOption = 4,
) -> None:
    """Train a configuration that the static gate lets pass, alone or under torchrun.

    Exit code 1 when a law blocks it, 16 when the divergence guard halts it, 17 when a step does not repeat itself, 75
    when SIGTERM or SIGUSR1 ended it with a checkpoint: start it again with --resume. That does not ask the gate again,
    for the run was let in when it was new, and does not look at --ticket, --waivers and --despite.
    """
    settings = load_config(config, override or ())

    from neuromf.training.refusal import refuse_impossible

    refuse_impossible(settings)
    asked = Asked(ticket, waivers, despite)
    # A run that exists was let in when it was started, with this very configuration.
    gate = "" if resume else let_in(settings, config, override or (), asked)

    from neuromf.cli.starting import announce
    from neuromf.cli.training import exit_code, prepare, report, run_training
    from neuromf.training.device import DRAWN_AHEAD, choose_device
    from neuromf.training.launch import own_device_name, process_group

    where = choose_device(own_device_name(device), deterministic=settings.training.deterministic)
    drawing = DRAWN_AHEAD[where.type] if workers is None else workers
    with process_group(where) as world:
        try:
            start = announce(settings, where, world, named=device is not None)
            store = prepare(settings, out, world, start, resume=resume, gate=gate, real=real_latents)
            outcome = run_training(
                settings, store, out, world, start, device=where, resume=resume, max_steps=max_steps, workers=drawing
            )
        except InputError as error:
            if world.rank == 0:  # all ranks know; one sentence is enough
                raise
            raise typer.Exit(2) from error
    if world.rank == 0:
        report(outcome, out, settings)
    if code := exit_code(outcome):
        raise typer.Exit(code)
