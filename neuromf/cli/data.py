"""`neuromf data`: builds the built-in demo cohort, and tries an autoencoder on scans."""

from __future__ import annotations

from typing import Annotated

import typer

from neuromf.cli.check_vae import check_vae
from neuromf.cli.options import OutOption

data_app = typer.Typer(help="Make or look at data.", no_args_is_help=True)


@data_app.callback()
def _data() -> None:
    """Make or look at data."""


data_app.command("check-vae")(check_vae)


@data_app.command()
def demo(
    out: OutOption,
    subjects: Annotated[int, typer.Option(max=1_000_000, help="Heads in the cohort.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed of every draw.")] = 0,
) -> None:
    """Build a cohort of brain MRI from the real MNI152 T1 head, as NIfTI files under BIDS names."""
    from neuromf.cli.console import make_console, progress_bar
    from neuromf.data.demo import build_demo_cohort

    with progress_bar("cohort") as show:
        path = build_demo_cohort(out, subjects, seed, lambda done, total: show(done, total, ""))
    make_console().print(f"{subjects} subjects in {path}", soft_wrap=True)
