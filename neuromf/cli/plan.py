"""`neuromf plan`: what a run would cost, before it is launched."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.options import ConfigArgument, SetOption
from neuromf.config.load import load_config

GpuName = StrEnum("GpuName", {"A100_40": "a100-40", "A100_80": "a100-80", "H100": "h100", "H200": "h200"})


def plan(
    config: ConfigArgument,
    override: SetOption = None,
    gpu: Annotated[GpuName, typer.Option("--gpu", help="What each process trains on.")] = GpuName.A100_80,
    scans: Annotated[
        int | None, typer.Option("--scans", min=1, help="Scans of the cohort, for the size of its latents.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
) -> None:
    """Estimate memory, time and disk of a run from its configuration; nothing is trained and no GPU is needed.

    Exit code 1 when the micro-batch does not fit into the GPU's memory.
    """
    from neuromf.cli.console import make_console
    from neuromf.json_text import json_text
    from neuromf.output import write_output
    from neuromf.plan.estimate import plan as estimate
    from neuromf.plan.gpus import GPUS
    from neuromf.plan.told import told

    settings = load_config(config, override or ())
    found = estimate(settings, GPUS[gpu.value], scans)
    if json_file is not None:
        write_output(json_file, json_text(asdict(found) | {"fits": found.fits}) + "\n")
    console = make_console()
    for what, said in told(found):
        console.print(f"{what}: {said}", soft_wrap=True)
    if not found.fits:
        raise typer.Exit(1)
