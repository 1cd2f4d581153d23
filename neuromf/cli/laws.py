"""`neuromf laws`: lists the laws, shows one, and lists the claims of the review with their verdicts."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from neuromf.errors import InputError

laws_app = typer.Typer(help="The laws: what they say and who enforces them.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


@laws_app.command("list")
def list_laws(as_json: JsonOption = False) -> None:
    """All laws, one line each."""
    from neuromf_spec.registry import laws

    if as_json:
        rows = [
            {
                "id": law.id,
                "title": law.title,
                "statement": law.statement,
                "equation": law.equation,
                "severity": law.severity.value,
                "basis": law.basis.value,
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

    from neuromf.cli.console import make_console

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

    from neuromf_spec.registry import law, laws

    from neuromf.checkout import source_root
    from neuromf.gate.enforcement import places
    from neuromf.gate.law_page import describe

    name = law_id.upper()
    if name not in laws():
        near = difflib.get_close_matches(name, laws(), n=1)
        remedy = f"did you mean {near[0]}" if near else "see `neuromf laws list`"
        raise InputError(f"'{law_id}' is no law", remedy=remedy)
    root = source_root()
    print(describe(law(name), places(root) if root else []), end="")


@laws_app.command()
def claims(as_json: JsonOption = False) -> None:
    """What the review claimed, what came of it, and the test that shows it."""
    from dataclasses import asdict

    from neuromf_spec.claims import claims as ledger

    rows = ledger()
    if as_json:
        print(json.dumps([asdict(claim) for claim in rows], indent=1))
        return
    from rich.table import Table
    from rich.text import Text

    from neuromf.cli.console import make_console

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
