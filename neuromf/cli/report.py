"""`neuromf report`: one page about one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.options import VaeOption
from neuromf.counted import counted


def report(
    run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of `neuromf train`, or of a guard.")],
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

    from neuromf.any_loop.record import is_loop_record

    if any(is_loop_record(folder) for folder in run):
        _report_loops(run, out)
        return

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


def _report_loops(folders: list[Path], out: Path) -> None:
    """The page of loops of the user's own."""
    from neuromf.cli.console import make_console
    from neuromf.output import write_output
    from neuromf.report.loop_page import loop_page, loop_sections
    from neuromf.report.run_facts import read_loops

    runs = read_loops(folders)
    write_output(out, loop_page(runs))
    console = make_console()
    for section in loop_sections(runs):
        alarms = counted(section.alarms, "alarm")
        said = f"{section.run.name}: {section.sentence}; {alarms}; raw loss {section.raw}"
        console.print(said, soft_wrap=True, markup=False)
    console.print(f"the page is {out}", soft_wrap=True, markup=False)
