"""`python -m tools laws`: whether the registry, its enforcers and its table agree."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated

import typer

from neuromf.cli.laws import JsonOption
from neuromf.errors import InputError

laws_app = typer.Typer(help="The laws: whether what the registry says of them is true.", no_args_is_help=True)


@laws_app.command()
def check(as_json: JsonOption = False) -> None:
    """Whether every enforcer, source, claim, waiver and the matrix is as the registry says; exit 1 if not."""
    from neuromf_spec.registry import laws

    from tools.laws.check import problems

    found = problems(_root(), datetime.date.today())
    if as_json:
        print(json.dumps({"status": "FAIL" if found else "PASS", "laws": len(laws()), "problems": found}, indent=1))
    else:
        for problem in found:
            print(problem)
        print(
            f"{len(laws())} laws: " + (f"{len(found)} problems" if found else "all enforcers, sources and waivers hold")
        )
    raise typer.Exit(1 if found else 0)


@laws_app.command()
def matrix(write: Annotated[bool, typer.Option("--write", help="Write spec/MATRIX.md instead.")] = False) -> None:
    """The table of laws and enforcers as Markdown."""
    from neuromf.gate.enforcement import places
    from neuromf.output import write_output
    from tools.laws.check import MATRIX
    from tools.laws.matrix import matrix as render

    root = _root()
    text = render(places(root))
    if write:
        write_output(root / MATRIX, text)
    else:
        print(text, end="")


def _root() -> Path:
    from neuromf.checkout import source_root

    root = source_root()
    if root is None:
        remedy = "run it in a clone of the repository"
        raise InputError("the tests that enforce the laws are not installed with the package", remedy=remedy)
    return root
