"""`neuromf golden`: short trainings whose numbers are kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.errors import InputError

if TYPE_CHECKING:
    from tools.golden.verdict import CaseVerdict

golden_app = typer.Typer(help="Golden traces: run, compare, measure, bless, attribute.", no_args_is_help=True)
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="See `neuromf golden list`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
DRIFTED = 3
"""Exit code where the environment is the likelier cause."""


@golden_app.command("list")
def list_cases(as_json: JsonOption = False) -> None:
    """All cases: what each trains, which laws it stands for, and whether it is blessed."""
    from tools.golden.case import case_names, read_case

    cases = [read_case(name) for name in case_names()]
    if as_json:
        rows = [
            {"name": c.name, "about": c.contract.about, "laws": c.contract.laws, "blessed": c.trace.is_file()}
            for c in cases
        ]
        print(json.dumps(rows, indent=1))
        return
    from rich.table import Table

    from tools.commands.console import make_console

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
    """Run cases and compare them with their goldens; exit 1 on a regression, 3 where the platform is another."""
    from tools.golden.case import case_names, read_case
    from tools.golden.verdict import judge_case

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

    from tools.commands.console import make_console
    from tools.golden.case import read_case
    from tools.golden.measure import relative_differences
    from tools.golden.noise import threads
    from tools.golden.runner import run_steps
    from tools.golden.store import golden_table, tolerance_frame
    from tools.golden.verdict import judge_case

    chosen = read_case(case)
    with threads(1):
        made = run_steps(chosen.config, chosen.contract.steps)
    differences = relative_differences(made.table, golden_table(chosen))
    table = Table(pad_edge=False)
    for header in ("column", "kind", "largest difference", "noise", "tolerance", "smallest effect", "of"):
        table.add_column(header, overflow="fold")
    for row in tolerance_frame(chosen).itertuples(index=False):
        numbers = (f"{differences[str(row.column)]:.2g}", f"{row.noise:.2g}", f"{row.rtol:.2g}", f"{row.effect:.2g}")
        table.add_row(str(row.column), str(row.kind), *numbers, str(row.weakest))
    make_console().print(table)
    verdict = judge_case(chosen, made)
    print(verdict.text, end="")
    raise typer.Exit(_exit_code([verdict]))


@golden_app.command()
def measure(case: CaseArgument) -> None:
    """Measure noise and effects of a case anew and store its tolerances."""
    from tools.commands.console import progress_bar
    from tools.golden.case import read_case
    from tools.golden.measure import measure_case, tolerance_table, undetected_laws
    from tools.golden.store import write_measurement

    chosen = read_case(case)
    with progress_bar(case) as show:
        measurement = measure_case(chosen, show)
    table = tolerance_table(measurement)
    write_measurement(chosen, measurement, table)
    print(table.to_string(index=False))
    unseen = undetected_laws(chosen, measurement, table)
    print(f"laws without a telling column: {', '.join(unseen) or 'none'}")
    raise typer.Exit(1 if unseen else 0)


@golden_app.command()
def bless(
    case: CaseArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why the numbers are what they are now.")] = "",
) -> None:
    """Make today's run of a case the golden one."""
    from tools.commands.console import progress_bar
    from tools.golden.bless import bless as store
    from tools.golden.bless import refuse_blessing, run_twice
    from tools.golden.case import read_case
    from tools.golden.measure import measure_case

    chosen = read_case(case)
    commit = refuse_blessing(reason)
    made = run_twice(chosen)
    with progress_bar(case) as show:
        measurement = measure_case(chosen, show)
    store(chosen, made, measurement, commit, reason)
    print(f"{case} is golden from commit {commit[:12]}: {reason}")


@golden_app.command()
def recipes(
    bless: Annotated[str, typer.Option("--bless", metavar="RECIPE", help="Make today's text of it the golden.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="With --bless: why it changed.")] = "",
) -> None:
    """Compare each shipped recipe's keys and parameters with those that are kept; exit 1 on a difference."""
    from neuromf.config.recipes import recipe_names
    from tools.golden.bless import record, refuse_blessing
    from tools.golden.recipes import bless_recipe, recipe_problems

    if bless:
        commit = refuse_blessing(reason)
        record(f"recipes/{bless}", bless_recipe(bless), reason)
        print(f"recipe {bless} is golden from commit {commit[:12]}: {reason}")
        return
    problems = {name: recipe_problems(name) for name in recipe_names()}
    for name, lines in problems.items():
        print(f"{'CONTRACT' if lines else 'PASS'} recipe {name}", *lines, sep="\n  ")
    raise typer.Exit(1 if any(problems.values()) else 0)


@golden_app.command()
def attribute(case: CaseArgument) -> None:
    """Rerun the golden's own commit here: did the code change the numbers, or the environment?"""
    from tools.golden.attribute import attribute as judge
    from tools.golden.case import read_case
    from tools.golden.verdict import Outcome

    outcome, sentence = judge(read_case(case))
    print(f"{outcome} golden case {case}: {sentence}")
    raise typer.Exit({Outcome.PASS: 0, Outcome.ENV_DRIFT: DRIFTED}.get(outcome, 1))


def _exit_code(verdicts: list[CaseVerdict]) -> int:
    from tools.golden.verdict import Outcome

    outcomes = {verdict.outcome for verdict in verdicts}
    if not outcomes:
        raise InputError("there is no golden case", remedy="write golden/cases/NAME/case.toml")
    if outcomes <= {Outcome.PASS}:
        return 0
    return DRIFTED if outcomes <= {Outcome.PASS, Outcome.UNKNOWN_PLATFORM} else 1
