"""`python -m tools bisect-commits`: which commit moved a golden case's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.errors import InputError

NOT_FOUND = 3
"""Exit code when skipped commits hide the first bad one."""


def bisect_commits(
    commits: Annotated[str, typer.Argument(metavar="GOOD..BAD", help="Two commits of this clone.")],
    case: Annotated[str, typer.Option(help="Golden case whose numbers moved.")],
) -> None:
    """Find the first commit after GOOD at which a golden case gives other numbers; exit 0 when found, 3 when not."""
    from neuromf.golden.case import read_case
    from tools.bisect_commits.commits import bisect_commits as search

    good, dots, bad = commits.partition("..")
    if not (good and dots and bad) or bad.startswith("."):
        raise InputError(f"'{commits}' is no range", remedy="write GOOD..BAD", key="GOOD..BAD")
    culprit = search(Path.cwd(), good, bad, read_case(case))
    print(f"{culprit.commit} {culprit.subject}" if culprit.commit else culprit.log)
    raise typer.Exit(0 if culprit.commit else NOT_FOUND)
