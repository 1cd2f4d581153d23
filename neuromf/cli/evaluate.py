"""`neuromf evaluate`: judges a run by its samples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.options import DeviceOption, VaeOption
from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.evaluation.wanted import EvaluationRequest

SPLITS = {"held-out": ("validation", "test"), "validation": ("validation",), "test": ("test",)}
IMAGES = ("ends", "all")
MOST_EVALUATIONS = 10_000
SHOWN = 8
"""Samples that the page shows beside their nearest training scans."""


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a `neuromf train`.")],
    evaluations: Annotated[
        str, typer.Option("--evaluations", metavar="1,2,...", help="Network evaluations a sample, each number in turn.")
    ] = "1,2,5,10,50",
    n: Annotated[int, typer.Option("--n", min=8, max=100_000, help="Samples of each number.")] = 64,
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features", metavar="demo|FILE",
            help="Network of the Frechet distances; given twice, one for slices and one for volumes.",
        ),
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="Scans to compare with: held-out, validation or test.")
    ] = "held-out",
    images: Annotated[
        str, typer.Option("--images", help="Decode samples of the fewest and the most evaluations (ends), or all.")
    ] = "ends",
    checkpoint: Annotated[
        int | None, typer.Option("--checkpoint", min=0, metavar="STEP", help="Optimiser step; the newest by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of noise, choice of scans, and resamples.")] = 0,
    page: Annotated[Path | None, typer.Option("--report", metavar="F.HTML", help="HTML page to write.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="F", help="JSON file to write; - for standard output.")
    ] = None,
    device: DeviceOption = None,
    vae: VaeOption = None,
) -> None:  # fmt: skip
    """Measure samples beside held-out scans; exit 0 pass, 1 a law is broken, 2 bad input, 3 cannot tell.

    Each number has a 95 % interval. Beside the samples stand as many training scans, and the mean image.
    """
    from neuromf.cli.output_file import check_output_file
    from neuromf.evaluation.wanted import EvaluationRequest

    wanted = EvaluationRequest(
        _numbers(evaluations),
        n,
        seed,
        SPLITS[_known(split, SPLITS, "--split")],
        _known(images, IMAGES, "--images") == "all",
    )
    if page is not None:
        from neuromf.report.page import check_page

        check_page(page, "--report")
    if json_file is not None and str(json_file) != "-":
        check_output_file(json_file, "--json")
    raise typer.Exit(_evaluate(run, wanted, checkpoint, features or [], device, vae, page, json_file))


def _evaluate(
    run: Path, wanted: EvaluationRequest, checkpoint: int | None, features: list[str], device: str | None,
    vae: Path | None, page: Path | None, json_file: Path | None,
) -> int:  # fmt: skip
    from neuromf.cli.console import make_console, progress_bar
    from neuromf.evaluation.console import print_evaluation
    from neuromf.evaluation.document import evaluation_document
    from neuromf.evaluation.evaluate import evaluate_run
    from neuromf.evaluation.features.load import load_networks
    from neuromf.json_text import json_text
    from neuromf.output import write_output
    from neuromf.training.device.choice import choose_device

    where = choose_device(device)
    with progress_bar("evaluates") as show:
        found = evaluate_run(
            run, wanted, checkpoint=checkpoint, vae=vae, device=where, networks=load_networks(features, where),
            beside=SHOWN if page is not None else 0,
            on_progress=lambda what, done, total: show(done, total, what),
        )  # fmt: skip
    text = json_text(evaluation_document(found.evaluation))
    if json_file is not None and str(json_file) != "-":
        write_output(json_file, text + "\n")
    if page is not None:
        from neuromf.report.evaluation_page import evaluation_page

        write_output(page, evaluation_page(found))
    if json_file is not None and str(json_file) == "-":
        print(text)
        return found.evaluation.exit_code
    console = make_console()
    print_evaluation(console, found.evaluation)
    if page is not None:
        console.print(f"the page is {page}", soft_wrap=True, markup=False)
    return found.evaluation.exit_code


def _numbers(text: str) -> tuple[int, ...]:
    """Rising numbers of evaluations."""
    parts = [part.strip() for part in text.split(",")]
    good = all(part.isascii() and part.isdigit() and 1 <= int(part) <= MOST_EVALUATIONS for part in parts)
    if not good:
        remedy = f"write whole numbers from 1 to {MOST_EVALUATIONS:,} with commas, as 1,2,50"
        raise InputError(f"'{text}' is no list of numbers", remedy=remedy, key="--evaluations")
    return tuple(sorted({int(part) for part in parts}))


def _known(name: str, known: Iterable[str], key: str) -> str:
    if name not in known:
        raise InputError(f"there is no '{name}'", remedy=f"say one of {', '.join(known)}", key=key)
    return name
