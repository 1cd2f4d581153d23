"""`neuromf laws`: the registry, one law, its consistency, the matrix and the claims."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated

import typer

from neuromf.errors import InputError

laws_app = typer.Typer(help="The laws: what they say, who enforces them, whether that is true.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


@laws_app.command("list")
def list_laws(as_json: JsonOption = False) -> None:
    """All laws, one line each."""
    from spec.registry import laws

    if as_json:
        rows = [
            {
                "id": law.id,
                "title": law.title,
                "statement": law.statement,
                "equation": law.equation,
                "severity": law.severity.value,
                "enforcers": sorted(law.enforcers),
                "sources": [str(source) for source in law.sources],
                "remedy": law.remedy,
                "kills": list(law.kills),
            }
            for law in laws().values()
        ]
        print(json.dumps(rows, indent=1))
        return
    from rich.table import Table

    from tools.commands.console import make_console

    table = Table(pad_edge=False)
    for header in ("law", "severity", "enforcers", "statement"):
        table.add_column(header, overflow="fold", no_wrap=header != "statement")
    for law in laws().values():
        table.add_row(law.id, law.severity.value, " ".join(sorted(law.enforcers)), law.statement)
    make_console().print(table)


@laws_app.command()
def show(law_id: Annotated[str, typer.Argument(metavar="ID", help="Such as JVP-003.")]) -> None:
    """One law: its equation, sources, enforcers and last measured value."""
    import difflib

    from spec.registry import law, laws
    from tools.laws.enforcement import places, source_root
    from tools.laws.show import describe

    name = law_id.upper()
    if name not in laws():
        near = difflib.get_close_matches(name, laws(), n=1)
        remedy = f"did you mean {near[0]}" if near else "see `neuromf laws list`"
        raise InputError(f"'{law_id}' is no law", remedy=remedy)
    root = source_root()
    print(describe(law(name), places(root) if root else []), end="")


@laws_app.command()
def check(as_json: JsonOption = False) -> None:
    """Whether every enforcer, source, claim, waiver and the matrix is as the registry says; exit 1 if not."""
    from spec.registry import laws
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
    from tools.laws.check import MATRIX
    from tools.laws.enforcement import places
    from tools.laws.matrix import matrix as render

    root = _root()
    text = render(places(root))
    if write:
        (root / MATRIX).write_text(text, encoding="utf-8")
    else:
        print(text, end="")


@laws_app.command()
def claims(as_json: JsonOption = False) -> None:
    """What the review claimed, what came of it, and the test that shows it."""
    from dataclasses import asdict

    from spec.claims import claims as ledger

    rows = ledger()
    if as_json:
        print(json.dumps([asdict(claim) for claim in rows], indent=1, ensure_ascii=False))
        return
    from rich.table import Table
    from rich.text import Text

    from tools.commands.console import make_console

    table = Table(show_lines=True, pad_edge=False)
    for header in ("claim", "verdict", "recomputed", "test"):
        table.add_column(header, overflow="fold", ratio=1 if header == "verdict" else 3)
    for claim in rows:
        said = f"{claim.id}, section {claim.section}\n{claim.claim}"
        found = "\n".join(part for part in (claim.recomputed, claim.note) if part)
        table.add_row(*(Text(text) for text in (said, claim.verdict.value, found, claim.test)))
    console = make_console()
    console.print(table)
    verdicts = [claim.verdict.value for claim in rows]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    console.print(f"{len(rows)} claims: {counts}")


def _root() -> Path:
    from tools.laws.enforcement import source_root

    root = source_root()
    if root is None:
        remedy = "run it in a clone of the repository"
        raise InputError("the tests that enforce the laws are not installed with the package", remedy=remedy)
    return root
