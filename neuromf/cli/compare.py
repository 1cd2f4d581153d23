"""`neuromf compare`: finds where two traces differ first."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from neuromf.errors import InputError


def compare(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder or its trace.csv.")],
    golden: Annotated[str, typer.Argument(metavar="GOLDEN", help="A golden case, another run, or a trace.csv.")],
    rtol: Annotated[
        float, typer.Option(min=0.0, help="Relative tolerance where none has been measured; 0 asks for equality.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Compare two traces cell by cell; exit 0 when they agree, 1 when they do not."""
    # Written so that NaN is refused; with infinity any two traces would agree.
    if not 0 <= rtol < math.inf:
        raise InputError(f"{rtol:g} is no tolerance", remedy="give a finite number from 0", key="--rtol")
    from dataclasses import asdict

    from neuromf.comparison.comparator import ComparisonVerdict, Tolerance
    from neuromf.comparison.files import compare_files
    from neuromf.comparison.kept_memory import keep_freed_memory
    from neuromf.comparison.message import Context, explain
    from neuromf.comparison.stages import stage_of
    from neuromf.golden.sources import config_changes, read_side
    from neuromf.json_text import json_text
    from neuromf.trace.reader import check_frame

    keep_freed_memory()
    actual, expected = read_side(run), read_side(golden)
    columns = check_frame(expected.trace)
    given = {column.name: Tolerance(rtol=rtol) for column in columns if column.kind == "float"}
    tolerances = dict(expected.tolerances) or given
    comparison = compare_files(actual.trace, expected.trace, tolerances)
    changes = config_changes(expected, actual)
    first, suspect = comparison.first, comparison.suspect
    command = f"neuromf laws show {stage_of(suspect.column).laws[0]}" if suspect is not None else ""
    context = Context(f"{run} against {golden}", tolerances, changes, command)
    if as_json:
        document = {
            "verdict": comparison.verdict.value,
            "steps": comparison.steps,
            "first": None if first is None else asdict(first),
            "not_finite": None if comparison.not_finite is None else asdict(comparison.not_finite),
            "unchanged": list(comparison.unchanged),
            "differing": dict(comparison.differing or {}),
            "problem": comparison.problem,
            "config": None if changes is None else {key: list(values) for key, values in changes.items()},
        }
        print(json_text(document))
    else:
        print(explain(comparison, context), end="")
    raise typer.Exit(0 if comparison.verdict is ComparisonVerdict.PASS else 1)
