"""`neuromf encode`: makes the latents of a configuration, alone or together with any number of processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.lasting_output import lasting_output
from neuromf.cli.options import ConfigArgument, DeviceOption, ProgressOption, SetOption
from neuromf.cli.progress import ProgressFile
from neuromf.config.load import load_config
from neuromf.training.process_group.interruption import Interrupted, Interruption, listening
from neuromf.training.process_group.place import launched_place

if TYPE_CHECKING:
    from neuromf.config.schema import Config


def encode(
    config: ConfigArgument,
    override: SetOption = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            max=256,
            help="Processes that read and preprocess scans ahead; default by cores and device, 0 for none.",
        ),
    ] = None,
    device: DeviceOption = None,
    progress: ProgressOption = None,
) -> None:
    """Encode the scans of a configuration into latents, which `neuromf train` then starts from.

    Start it as often as you like, on one machine or several that see the same cache: by hand, under torchrun, as the
    tasks of a SLURM array. Processes share the scans, and encode none twice. Whatever ends one, the same command goes
    on: what is encoded is kept. Scans that cannot be used are set aside, up to data.max_quarantined, and
    quarantine.csv in the store says why. The last step, the list of the latents, is taken when all scans are done.

    --progress FILE holds `scans N` at the end, a line for the job that queues itself again. Exit code 75 when SIGTERM,
    SIGUSR1, SIGHUP or Ctrl-C ended it.
    """
    with listening() as interrupted, lasting_output():
        settings = load_config(config, override or ())
        so_far = ProgressFile(progress)
        so_far.check()
        code = _encode(settings, interrupted, so_far, workers=workers, device=device)
        so_far.note()
    if code:
        raise typer.Exit(code)


def _encode(
    config: Config, interrupted: Interruption, so_far: ProgressFile, *, workers: int | None, device: str | None
) -> int:
    from neuromf.cli.console import make_console
    from neuromf.cli.encoding import encoding_shown, tell
    from neuromf.counted import counted
    from neuromf.training.device.choice import choose_device
    from neuromf.training.device.facts import device_facts, device_sentence
    from neuromf.training.latents.store import store_settings, training_store
    from neuromf.training.process_group.start import own_device_name

    console, place = make_console(), launched_place()
    where = choose_device(own_device_name(device), deterministic=config.training.deterministic)
    if place.speaks:
        console.print(device_sentence(device_facts(where, place.size), "encodes"), soft_wrap=True)
    try:
        with interrupted.at_once(), encoding_shown(shown=place.speaks) as show:

            def on_progress(done: int, total: int) -> None:
                so_far.scans, so_far.total = done, total
                show.encoded(done, total)
                interrupted.check()

            def on_look(done: int, total: int) -> None:
                show.looked(done, total)
                interrupted.check()

            store = training_store(
                config, on_progress, on_look=on_look, tell=tell if place.speaks else None,
                settings=store_settings(config, workers=workers, device=where),
            )  # fmt: skip
    except Interrupted as stopped:
        said = f"interrupted ({stopped.name}); what is encoded is kept, go on with the same command"
        console.print(said, soft_wrap=True)
        return os.EX_TEMPFAIL
    if place.speaks:
        console.print(f"{counted(len(store.manifest), 'latent')} in {store.path}", soft_wrap=True)
        if store.quarantine.is_file():
            console.print(f"scans that were set aside are in {store.quarantine}", soft_wrap=True)
    return 0
