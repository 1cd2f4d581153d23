"""`neuromf report`: one page about one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.options import VaeOption
from neuromf.counted import counted


def report(
    run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of `neuromf train`.")],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    decode: Annotated[
        bool, typer.Option("--decode/--no-decode", help="Decode the kept samples, or show their latent channels.")
    ] = True,
    vae: VaeOption = None,
) -> None:
    """Write one self-contained page: verdict, losses, alarms, diagnosis, samples, and where the runs differ."""
    from neuromf.output import write_output
    from neuromf.report.page import check_page

    check_page(out)

    from neuromf.cli.console import make_console, progress_bar
    from neuromf.report.headline import headline
    from neuromf.report.run_facts import read_runs
    from neuromf.report.run_page import run_page

    runs = read_runs(run)
    with progress_bar("latents") as show:
        text = run_page(runs, decoded=decode, vae=vae, on_progress=lambda done, total: show(done, total, ""))
    write_output(out, text)
    console = make_console()
    for reported in runs:
        verdict = headline(reported)
        alarms = counted(verdict.alarms, "alarm")
        console.print(
            f"{reported.name}: {verdict.sentence}; {alarms}; raw loss {verdict.raw}", soft_wrap=True, markup=False
        )
    console.print(f"the page is {out}", soft_wrap=True, markup=False)
