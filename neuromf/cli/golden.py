"""`neuromf golden`: runs the golden cases, short trainings whose numbers are kept, and shows what changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.errors import InputError

if TYPE_CHECKING:
    from neuromf.golden.verdict import CaseVerdict

golden_app = typer.Typer(help="Golden traces: list, run, compare.", no_args_is_help=True)
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="See `neuromf golden list`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
DRIFTED = 3
"""Exit code where the environment is the likelier cause."""


@golden_app.command("list")
def list_cases(as_json: JsonOption = False) -> None:
    """All cases: what each trains, which laws it stands for, and whether it is blessed."""
    from neuromf.golden.case import case_names, read_case

    cases = [read_case(name) for name in case_names()]
    if as_json:
        rows = [
            {"name": c.name, "about": c.contract.about, "laws": c.contract.laws, "blessed": c.trace.is_file()}
            for c in cases
        ]
        print(json.dumps(rows, indent=1))
        return
    from rich.table import Table

    from neuromf.cli.console import make_console

    table = Table(pad_edge=False)
    for header in ("case", "steps", "laws", "blessed", "about"):
        table.add_column(header, overflow="fold")
    for case in cases:
        blessed = "yes" if case.trace.is_file() else "no"
        contract = case.contract
        table.add_row(case.name, str(contract.steps), " ".join(contract.laws), blessed, contract.about)
    make_console().print(table)


@golden_app.command()
def run(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="[CASE...]", help="All cases when none is named.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run cases on the CPU, compare them with their goldens; exit 1 on a regression, 3 on another platform."""
    from neuromf.golden.case import case_names, read_case
    from neuromf.golden.verdict import judge_case

    verdicts = [judge_case(read_case(name)) for name in cases or case_names()]
    if as_json:
        print(json.dumps([{"case": v.name, "outcome": v.outcome.value, "text": v.text} for v in verdicts], indent=1))
    else:
        for verdict in verdicts:
            print(verdict.text, end="")
    raise typer.Exit(_exit_code(verdicts))


@golden_app.command()
def diff(case: CaseArgument) -> None:
    """Run a case and show every column: largest difference, noise, tolerance."""
    from rich.table import Table

    from neuromf.cli.console import make_console
    from neuromf.golden.case import read_case
    from neuromf.golden.runner import run_steps, threads
    from neuromf.golden.store import golden_table, tolerance_frame
    from neuromf.golden.tolerances import relative_differences
    from neuromf.golden.verdict import judge_case

    chosen = read_case(case)
    with threads(1):
        made = run_steps(chosen.config, chosen.contract.steps)
    differences = relative_differences(made.table, golden_table(chosen))
    table = Table(pad_edge=False)
    for header in ("column", "kind", "largest difference", "noise", "tolerance", "smallest effect", "of fault"):
        table.add_column(header, overflow="fold")
    for row in tolerance_frame(chosen).itertuples(index=False):
        numbers = (f"{differences[str(row.column)]:.2g}", f"{row.noise:.2g}", f"{row.rtol:.2g}", f"{row.effect:.2g}")
        table.add_row(str(row.column), str(row.kind), *numbers, row.weakest if isinstance(row.weakest, str) else "")
    make_console().print(table)
    verdict = judge_case(chosen, made)
    print(verdict.text, end="")
    raise typer.Exit(_exit_code([verdict]))


def _exit_code(verdicts: list[CaseVerdict]) -> int:
    from neuromf.golden.verdict import CaseOutcome

    outcomes = {verdict.outcome for verdict in verdicts}
    if not outcomes:
        raise InputError("there is no golden case", remedy="write golden/cases/NAME/case.toml")
    if outcomes <= {CaseOutcome.PASS}:
        return 0
    return DRIFTED if outcomes <= {CaseOutcome.PASS, CaseOutcome.UNKNOWN_PLATFORM} else 1
