"""`neuromf data`: indexes a folder of scans, builds the built-in demo cohort, tries an autoencoder on scans."""

from __future__ import annotations

import os
from pathlib import Path
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


@data_app.command()
def index(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder of scans, in any layout.")],
    out: Annotated[Path, typer.Option("--out", help="Table to write; a page with its name stands beside it.")] = Path(
        "cohort.csv"
    ),
    layout: Annotated[
        str, typer.Option("--layout", help="auto, bids, fomo, ixi, oasis or flat; auto tries every one.")
    ] = "auto",
    pattern: Annotated[
        str,
        typer.Option(
            "--pattern",
            metavar="REGEX",
            help="Where subject, session, dataset, group and modality stand in a path: (?P<subject>...), and so on.",
        ),
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Take rows that meet it: dataset=A,B or group!=patient or age>=18, by columns of the table and of "
            "participants.tsv; may be given several times.",
        ),
    ] = None,
    participants: Annotated[
        Path | None, typer.Option("--participants", metavar="FILE", help="Instead of the nearest participants.tsv.")
    ] = None,
    desc: Annotated[str, typer.Option("--desc", help="Take derivatives with this desc- in place of raw scans.")] = "",
    space: Annotated[str, typer.Option("--space", help="Take derivatives in this space- in place of raw scans.")] = "",
    voxels: Annotated[
        bool, typer.Option("--voxels/--no-voxels", help="Read voxels, or judge by names and headers alone.")
    ] = True,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="Processes that read scans; one a core.")
    ] = None,
) -> None:
    """Write the table of a folder's scans (whose they are, which to train on) and a page to look at.

    Train on the table with `data.source: table` and `data.root: cohort.csv`. It can be edited by hand.
    """
    from neuromf.cli.console import make_console, progress_bar
    from neuromf.cli.output_file import check_output_file
    from neuromf.data.index.build import Asked, index_folder
    from neuromf.data.index.summary import index_lines
    from neuromf.data.index.table import write_index
    from neuromf.data.naming import Naming
    from neuromf.data.versions import Wanted
    from neuromf.errors import InputError
    from neuromf.output import write_output
    from neuromf.report.index_page import index_page
    from neuromf.report.page import check_page

    page = out.with_suffix(".html")
    if page == out:
        raise InputError("is the name of the page", remedy="name the table .csv", file=out, key="--out")
    check_output_file(out, "--out", keep=[] if participants is None else [participants])
    check_page(page)
    try:
        naming = Naming(layout, pattern)
    except (OverflowError, RecursionError) as error:
        problem = f"is no regular expression that Python can read ({error})"
        raise InputError(problem, remedy="write a simpler one", key="--pattern") from error
    asked = Asked(naming, Wanted(desc, space), tuple(where or ()), participants, voxels)
    cores = (os.cpu_count() or 1) if workers is None else workers
    with progress_bar("scans") as show:
        found = index_folder(root, asked, workers=cores, on_progress=lambda done, total: show(done, total, ""))
    write_index(out, found)
    write_output(page, index_page(found))
    console = make_console()
    for line in (*index_lines(found), f"the table is {out}, the page {page}"):
        console.print(line, soft_wrap=True)
