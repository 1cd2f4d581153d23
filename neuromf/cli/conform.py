"""`neuromf conform`: is another code the mathematics of the paper?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.output_file import check_output_file
from neuromf.errors import InputError

Template = StrEnum("Template", {"TORCH": "torch", "JAX": "jax", "LIGHTNING": "lightning"})


def conform(
    adapter: Annotated[
        str | None, typer.Argument(metavar="ADAPTER.PY[:CLASS]", help="Adapter of the code that is judged.")
    ] = None,
    law: Annotated[
        list[str] | None, typer.Option("--law", metavar="ID", help="Report this law; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the suite's networks and draws.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the verdict as JSON.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the verdict as JUnit XML.")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML page.")] = None,
    train: Annotated[
        bool,
        typer.Option("--train", help="Also train a small network with its loss where the right samples are known."),
    ] = False,
    train_steps: Annotated[
        int, typer.Option("--train-steps", min=1, help="Optimiser steps of each small training.")
    ] = 3_000,
    new: Annotated[
        Template | None, typer.Option("--new", help="Write a commented adapter to ADAPTER.PY instead.")
    ] = None,
) -> None:
    """Judge any MeanFlow code by the laws through an adapter; exit 0 where none falls, 1 where one does."""
    if new is not None:
        raise typer.Exit(_write_new(new, adapter))
    if adapter is None:
        remedy = "name a file, or write one with --new torch ADAPTER.PY"
        raise InputError("no adapter is named", remedy=remedy, key="ADAPTER.PY")
    from neuromf.cli.console import make_console
    from neuromf.conform.console import print_conform_verdict
    from neuromf.conform.judging import judge_adapter
    from neuromf.conform.load import load_adapter
    from neuromf.output import write_output

    loaded = load_adapter(adapter)
    outputs = {"--json": json_file, "--junit": junit_file, "--report": report_file}
    taken = [loaded.file]
    for key, path in outputs.items():
        if path is not None:
            check_output_file(path, key, keep=taken)
            taken.append(path)
    verdict = judge_adapter(loaded, laws=law or (), seed=seed, training_steps=train_steps if train else 0)
    if json_file is not None:
        write_output(json_file, verdict.to_json())
    if junit_file is not None:
        from neuromf.conform.junit import conform_junit

        write_output(junit_file, conform_junit(verdict))
    if report_file is not None:
        from neuromf.report.conform_page import conform_page

        write_output(report_file, conform_page(verdict))
    print_conform_verdict(make_console(), verdict)
    raise typer.Exit(0 if verdict.status == "PASS" else 1)


def _write_new(template: Template, adapter: str | None) -> int:
    from neuromf.conform.new import new_adapter
    from neuromf.output import write_output

    path = Path(adapter or "adapter.py")
    check_output_file(path, "--new")
    if path.exists():
        raise InputError("exists already", remedy="give another name", file=path, key="--new")
    write_output(path, new_adapter(template.value))
    print(f"wrote {path}; try it: neuromf conform {path}")
    return 0
