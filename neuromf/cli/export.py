"""`neuromf export`: takes a trained run out of neuromf."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.options import CheckpointOption, GivenOption, VaeOption, named_values


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a `neuromf train`.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="safetensors|torch-export|monai-bundle", help="What to write: see below."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to create; for safetensors a file.")],
    checkpoint: CheckpointOption = None,
    vae: VaeOption = None,
    given: GivenOption = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", metavar="NAME|FILE", help="Licence of the weights: a name, or a file of text."),
    ] = None,
) -> None:
    """Write the averaged weights of a run so that they can be used without neuromf.

    safetensors: the weights in a file, whose header says what they are.

    torch-export: programs that need torch alone: the average velocity, and a sample in one step.

    monai-bundle: a folder that `python -m monai.bundle run` runs: noise to NIfTI volumes.

    All three tell configuration, data, the gate's verdict and the newest evaluation, and no path, scan or subject.
    """
    from neuromf.cli.console import make_console
    from neuromf.export.export import export_run

    asked = named_values(given)
    made = export_run(run, to=to, out=out, checkpoint=checkpoint, vae=vae, licence=licence, given=asked)
    console = make_console()
    console.print(f"{made.path}: {made.weights}", soft_wrap=True, markup=False)
    console.print(made.use, soft_wrap=True, markup=False)
