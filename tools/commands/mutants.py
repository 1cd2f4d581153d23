"""`python -m tools mutants`: random changes of the code, and how many of them the tests notice."""

from __future__ import annotations

from typing import Annotated

import typer

mutants_app = typer.Typer(help="Change the code at random; the tests must notice.", no_args_is_help=True)


@mutants_app.callback()
def _mutants() -> None:
    """Change the code at random; the tests must notice."""


@mutants_app.command("run")
def run_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[AREAS...]", help="Folders; default all.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Changes a folder; default its own budget.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    keep: Annotated[bool, typer.Option(help="Store the results in golden/mutants.")] = True,
) -> None:
    """Try a sample of changes in each folder and store what no test noticed; half an hour or more for all."""
    from neuromf.cli.console import make_console
    from tools.faults.run import checkout
    from tools.mutants.areas import select
    from tools.mutants.results import read_equivalents, store, summary
    from tools.mutants.session import run_area

    console, root = make_console(), checkout()

    def tell(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    for area in select(names or ()):
        result = run_area(root, area, count=count or area.count, seed=seed, tell=tell)
        if keep:
            store(result)
            write_table()
        tell(summary(result, read_equivalents()))


@mutants_app.command("again")
def again_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[AREAS...]", help="Folders; default all.")] = None,
) -> None:
    """Try the stored survivors once more, as after a test was written, and store what is left."""
    from neuromf.cli.console import make_console
    from tools.faults.run import checkout
    from tools.mutants.areas import select
    from tools.mutants.results import read_equivalents, read_results, store, summary
    from tools.mutants.session import run_again

    console, root = make_console(), checkout()

    def tell(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    stored = {result.area: result for result in read_results()}
    for area in select(names or ()):
        if area.name in stored:
            store(result := run_again(root, area, stored[area.name], tell=tell))
            write_table()
            tell(summary(result, read_equivalents()))


@mutants_app.command("table")
def write_table() -> None:
    """Write the table of golden/mutants/README.md anew."""
    from neuromf.output import write_output
    from tools.mutants.table import README, page

    write_output(README, page())
