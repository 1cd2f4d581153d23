"""`neuromf sample`: draws samples of a trained run, as NIfTI volumes and a montage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.options import CheckpointOption, DeviceOption, GivenOption, VaeOption, named_values


def sample(
    run: Annotated[Path, typer.Argument(help="Folder of a `neuromf train`.")],
    steps: Annotated[int, typer.Option(min=1, help="Network evaluations for each sample.")] = 1,
    n: Annotated[int, typer.Option("--n", min=1, help="Number of samples.")] = 4,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the noise.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to create; default RUN/samples.")] = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = None,
    vae: VaeOption = None,
    given: GivenOption = None,
) -> None:
    """Draw samples with the averaged weights, decode them, and write NIfTI volumes and a PNG montage.

    A run without an average (ema.decay null) is drawn with its weights.

    The autoencoder decodes on the same device, in parts where vae.num_splits or vae.tile_voxels of the run say so.
    """
    from neuromf.cli.console import make_console
    from neuromf.sampling.sampling import sample_run
    from neuromf.training.device.choice import choose_device

    asked = named_values(given)
    where, console = choose_device(device), make_console()
    console.print(f"draws and decodes on {'the CPU' if where.type == 'cpu' else where}")
    result = sample_run(
        run, steps=steps, count=n, seed=seed, out=out or run / "samples", device=where, vae=vae, checkpoint=checkpoint,
        given=asked,
    )  # fmt: skip
    console.print(f"{len(result.volumes)} volumes and {result.montage} from {result.weights}", soft_wrap=True)
