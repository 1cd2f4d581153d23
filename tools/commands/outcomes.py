"""`python -m tools.outcomes`: the static gate on published runs whose outcome is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neuromf.output import write_output


def outcomes(
    folder: Annotated[Path, typer.Argument(help="YAML files and outcomes.csv.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the counts as JSON.")] = None,
) -> None:
    """Print hits and false alarms of the gate; exit 0 when the bars hold, 1 when one is missed."""
    from tools.outcomes.bars import missed_bars
    from tools.outcomes.confusion import confusion, judge_runs
    from tools.outcomes.published import read_runs
    from tools.outcomes.tables import laws_table, rates_table, runs_table, words_table

    judged = judge_runs(read_runs(folder))
    counts = confusion(judged)
    missed = list(missed_bars(counts))
    print("\n".join(table(judged) for table in (runs_table, laws_table, words_table, rates_table)))
    print("\n".join(f"MISSED: {sentence}" for sentence in missed) or "all bars hold")
    if json_file is not None:
        runs = [
            {"name": e.run.name, "gate": e.word, "blocked": e.laws("block"), "warned": e.laws("warn")} for e in judged
        ]
        write_output(json_file, json.dumps({"counts": asdict(counts), "missed": missed, "runs": runs}, indent=1) + "\n")
    raise typer.Exit(1 if missed else 0)
