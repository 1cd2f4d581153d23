"""`python -m tools golden`: measure, bless and attribute golden traces, and bless the recipes' texts."""

from __future__ import annotations

from typing import Annotated

import typer

from neuromf.cli.golden import DRIFTED, CaseArgument

golden_app = typer.Typer(help="Golden traces: measure, bless, attribute.", no_args_is_help=True)


@golden_app.command()
def measure(case: CaseArgument) -> None:
    """Measure noise and effects of a case anew and store its tolerances."""
    from neuromf.cli.console import progress_bar
    from neuromf.golden.case import read_case
    from tools.golden.claims import check_claims
    from tools.golden.measure import measure_case, tolerance_table, undetected_laws
    from tools.golden.store import only_blessing, write_measurement

    chosen = read_case(case)
    check_claims(chosen)
    with only_blessing(chosen.folder):
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
    from neuromf.cli.console import progress_bar
    from neuromf.golden.case import read_case
    from tools.golden.bless import bless as store
    from tools.golden.bless import refuse_blessing, run_twice
    from tools.golden.claims import check_claims
    from tools.golden.measure import measure_case
    from tools.golden.store import only_blessing

    chosen = read_case(case)
    check_claims(chosen)
    commit = refuse_blessing(reason)
    with only_blessing(chosen.folder):  # from before the minutes of work
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
    from neuromf.config.recipe_files import recipe_names
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
    from neuromf.golden.case import read_case
    from neuromf.golden.verdict import CaseOutcome
    from tools.golden.attribute import attribute as judge

    outcome, sentence = judge(read_case(case))
    print(f"{outcome} golden case {case}: {sentence}")
    raise typer.Exit({CaseOutcome.PASS: 0, CaseOutcome.ENV_DRIFT: DRIFTED}.get(outcome, 1))
