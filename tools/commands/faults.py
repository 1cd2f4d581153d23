"""`python -m tools faults`: known faults, and whether our tests notice each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tools.faults.run import FaultResult

faults_app = typer.Typer(
    help="Put known faults into a copy of the code; a test must notice each.", no_args_is_help=True
)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@faults_app.callback()
def _faults() -> None:
    """Put known faults into a copy of the code; a test must notice each."""


@faults_app.command("list")
def list_faults(as_json: JsonOption = False) -> None:
    """List the faults, where each was met, and the law and tests that must notice it."""
    from rich.table import Table
    from rich.text import Text

    from neuromf.cli.console import make_console
    from tools.faults.catalogue import absent, faults

    if as_json:
        document = {"faults": [asdict(fault) for fault in faults()], "absent": [asdict(row) for row in absent()]}
        print(json.dumps(document, indent=1))
        return
    table = Table(pad_edge=False)
    for header in ("fault", "what is wrong", "met as", "file", "law"):
        table.add_column(header, overflow="fold")
    for fault in faults():
        # As Text, or rich would read brackets as markup.
        cells = (fault.id, fault.title, "; ".join(fault.origins), fault.file, fault.law)
        table.add_row(*(Text(cell) for cell in cells))
    console = make_console()
    console.print(table)
    for row in absent():
        console.print(Text(f"{'; '.join(row.origins)}: {row.reason}"), soft_wrap=True)
    console.print(f"{len(faults())} faults; {len(absent())} rows of faults without a place in this code")


@faults_app.command("run")
def run_command(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[IDS...]", help="Faults to inject; default all.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Faults at a time, each in a process of its own.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Inject each fault into a copy of this checkout and run its tests; exit 1 when one goes unnoticed."""
    from neuromf.cli.console import make_console
    from tools.faults.catalogue import select
    from tools.faults.run import checkout, run_faults

    chosen, root, console = select(ids or ()), checkout(), make_console()
    width = max(len(fault.id) for fault in chosen)
    results = []
    if not as_json:
        console.print("first the tests without a fault", markup=False)
    for result in run_faults(chosen, root, jobs):
        results.append(result)
        text = json.dumps(_record(result)) if as_json else _line(result, width)
        console.print(text, style=None if result.killed else "bold red", markup=False, soft_wrap=True)
    killed, seconds = sum(result.killed for result in results), sum(result.seconds for result in results)
    if as_json:
        total = json.dumps({"faults": len(results), "killed": killed, "seconds": round(seconds, 1)})
    else:
        total = f"{killed} of {len(results)} faults noticed; {seconds:.0f} s of tests"
    console.print(total, markup=False, soft_wrap=True)
    raise typer.Exit(0 if killed == len(results) else 1)


def _record(result: FaultResult) -> dict[str, object]:
    return {**asdict(result), "fault": result.fault.id, "seconds": round(result.seconds, 2)}


def _line(result: FaultResult, width: int) -> str:
    word = "killed" if result.killed else "ALIVE "
    why = result.problem or ", ".join((*result.laws, *result.failed_tests))
    return f"{word} {result.fault.id:{width}} {result.seconds:5.1f} s  {why}"
