"""`neuromf train`: from a configuration to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.config.derived import run_facts
from neuromf.config.load import load_config
from neuromf.errors import InputError
from tools.commands.options import ConfigArgument, DeviceOption, SetOption

if TYPE_CHECKING:
    from neuromf.config.schema import Config
    from neuromf.monitor.events import Event
    from neuromf.train.step import StepRecord

HALTED = 16
"""Exit code of a run that its guard halted."""
IRREPRODUCIBLE = 17
"""Exit code of a run whose step gave other numbers when it was run again."""


def train(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", help="Run folder; must not exist, unless --resume.")],
    override: SetOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest whole checkpoint.")] = False,
    max_steps: Annotated[
        int | None, typer.Option("--max-steps", min=1, help="Stop after this many optimiser steps of the run.")
    ] = None,
    device: DeviceOption = None,
) -> None:
    """Train a configuration; exit code 16 when the divergence guard halts it, 17 when a step does not repeat itself."""
    settings = load_config(config, override or ())

    from neuromf.train.refusal import refuse_impossible

    refuse_impossible(settings)

    from neuromf.train.device import choose_device
    from neuromf.train.latents import training_store
    from neuromf.train.loop import Ending
    from neuromf.train.loop import train as run_training
    from neuromf.train.run_folder import RunFolder, check_latents, check_new_run, create_run, open_run
    from tools.commands.console import make_console, progress_bar

    where = choose_device(device, deterministic=settings.training.deterministic)
    # Before minutes of encoding, and before anything is written.
    if resume:
        open_run(out, settings)
    else:
        check_new_run(out)
    with progress_bar("latents") as show:
        store = training_store(settings, lambda done, total: show(done, total, ""))
    if resume:
        check_latents(RunFolder(out), store.description.content_hash)
    latents = store.split("train")
    if not len(latents):
        raise InputError(
            "the training split is empty", remedy="give more subjects or a larger first ratio", key="data.split_ratios"
        )
    run = RunFolder(out) if resume else create_run(out, settings, store.description.content_hash)
    console = make_console()
    with progress_bar("training") as show:
        total = _total_steps(settings, max_steps)

        def on_step(record: StepRecord) -> None:
            show(int(record.row["step"] or 0) + 1, total, _note(record, settings))

        def on_event(event: Event) -> None:
            console.print(f"{event.level} at step {event.step}, {event.law}: {event.message}", soft_wrap=True)

        outcome = run_training(
            settings, latents, run, device=where, resume=resume, max_steps=max_steps, on_step=on_step, on_event=on_event
        )
    console.print(f"{outcome.ending.value} at optimiser step {outcome.step}; the run is in {out}")
    if outcome.ending in (Ending.HALTED, Ending.IRREPRODUCIBLE):
        from tools.explanation import explain_halt

        console.print(explain_halt(run, settings), end="", soft_wrap=True, markup=False, highlight=False)
        console.print(f"the last state is in {out / 'checkpoints'}, the steps in {run.trace}")
        raise typer.Exit(HALTED if outcome.ending is Ending.HALTED else IRREPRODUCIBLE)


def _total_steps(settings: Config, max_steps: int | None) -> int:
    total = run_facts(settings).optimiser_steps
    return min(max_steps or total, total)


def _note(record: StepRecord, settings: Config) -> str:
    """The raw loss always, and beside it the one the run is judged by: alone, that one once hid an explosion."""
    row, reported = record.row, settings.training.reported_loss

    def shown(name: str) -> str:
        value = row[name]
        return "-" if value is None else f"{value:.4g}"

    raw = f"raw {shown('raw_total')} (FM {shown('raw_fm')}, MF {shown('raw_mf')})"
    return f"{raw} {reported} {shown(reported)}"
