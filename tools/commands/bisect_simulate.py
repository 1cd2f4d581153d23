"""`python -m tools bisect-simulate`: how often the bisect is right, and its cost, where the causes are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuromf.errors import InputError


def bisect_simulate(
    trials: Annotated[int, typer.Option(min=1, max=100_000, help="Drawn breakages of each kind.")] = 300,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    out: Annotated[Path, typer.Option("--out", help="Folder for simulation.csv and table.md.")] = Path("bisect"),
) -> None:
    """Compare the bisect with ddmin, QuickXplain and one at a time on simulated trainings that err."""
    from neuromf.cli.console import make_console, progress_bar
    from neuromf.output import write_output
    from tools.studies.bisect_simulation.scenarios import SCENARIOS
    from tools.studies.bisect_simulation.simulation import ALGORITHMS, simulate
    from tools.studies.bisect_simulation.simulation_table import markdown, trial_frame

    if out.exists() and not out.is_dir():
        raise InputError("is a file", remedy="give a folder", file=out, key="--out")
    out.mkdir(parents=True, exist_ok=True)
    total, rows = trials * len(SCENARIOS) * len(ALGORITHMS), []
    with progress_bar("simulating") as show:
        for trial in simulate(range(trials), jobs=jobs):
            rows.append(trial)
            if len(rows) % 100 == 0:
                show(len(rows), total, trial.scenario)
    frame = trial_frame(rows)
    write_output(out / "simulation.csv", frame.to_csv(index=False, lineterminator="\n"))
    table = markdown(frame)
    write_output(out / "table.md", table)
    make_console().print(table, soft_wrap=True)
