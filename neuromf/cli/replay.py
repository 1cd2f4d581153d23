"""`neuromf replay`: the lost run and the next from their records, or the lost one trained again at small scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from neuromf.diagnosis.diagnosis import Suspect
    from neuromf.replay.recorded import RecordedRun
    from neuromf.replay.rules import Rule
    from neuromf.replay.verdict import RepairVerdict

TRAINED = "failed_225"
"""The run whose configuration is shipped."""


def replay(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="failed_225, the run that started the project, or public_v1, the next.")
    ],
    train: Annotated[bool, typer.Option("--train", help="Train it again at small scale, about 20 minutes.")] = False,
    repairs: Annotated[
        bool, typer.Option("--repairs", help="With --train: each repair too, alone and together.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="With --train: trainings of each kind.")] = 1,
    epochs: Annotated[int, typer.Option(min=2, max=225, help="With --train: epochs of 30 micro-batches.")] = 225,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="With --train: trainings at a time.")] = 1,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for pictures and curves; a started series goes on.")
    ] = Path("replay"),
) -> None:
    """Show why 2.0 was printed and which rule would have stopped the run; or see it explode with your own eyes."""
    from neuromf.replay.recorded import RUNS

    if run not in RUNS:
        raise InputError(f"'{run}' is no recorded run", remedy=f"use one of {', '.join(RUNS)}")
    if train and run != TRAINED:
        raise InputError(f"{run} cannot be trained again", remedy=f"use {TRAINED}: of the other no recipe is shipped")
    if out.exists() and not out.is_dir():
        raise InputError("is a file", remedy="give a folder", file=out, key="--out")
    out.mkdir(parents=True, exist_ok=True)
    if train:
        _train(out, repairs, seeds, epochs, jobs)
    else:
        _recorded(RUNS[run], out)


def _recorded(run: RecordedRun, out: Path) -> None:
    from neuromf.cli.console import make_console
    from neuromf.output import whole_file
    from neuromf.replay.diagnosis import suspects_of_record
    from neuromf.replay.picture import draw_recorded
    from neuromf.replay.rules import readings, rules

    console = make_console()
    table = _table("epoch", "raw loss", "one term, summed", "L/c", "printed (float32)", "in float64", "objective")
    for r in readings(run):
        table.add_row(
            str(r.epoch), f"{r.raw:,.0f}", f"{r.per_sample:.3g}", f"{r.regime:.2g}", f"{r.printed:.7f}",
            f"{run.terms} - {run.terms - r.exact:.1e}", f"{r.objective:.2f}",
        )  # fmt: skip
    console.print(table)
    console.print(
        "Each term is L/(L + c) with L summed over 442,368 dims, which float32 rounds to 1 for a healthy run too. The "
        "objective, the potential log(1 + L/c), has the same gradient and moves.",
        soft_wrap=True,
    )
    found = rules(run)
    table = _table("rule", "law", "fires at epoch", "A100-hours saved" if run.hours else "of the run saved", "finding")
    for rule in found:
        epoch = "never" if rule.epoch is None else "before the launch" if rule.epoch == 0 else str(rule.epoch)
        table.add_row(rule.name, rule.law, epoch, _saved(rule, run), rule.says)
    console.print(table)
    picture = out / f"{run.name}.png"
    with whole_file(picture) as staging:
        draw_recorded(staging, run, found)
    console.print(f"picture: {picture}", soft_wrap=True)
    _say(console, suspects_of_record(run), f"What the record of {run.name} points to, likeliest first:")


def _say(console: Console, suspects: list[Suspect], heading: str) -> None:
    """The diagnosis in words; nothing where there is none."""
    from neuromf.cli.explanation import suspect_lines

    for line in [heading, *suspect_lines(suspects)] if suspects else []:
        console.print(line, soft_wrap=True, markup=False)


def _saved(rule: Rule, run: RecordedRun) -> str:
    if not rule.halts:
        return "warns only"
    return f"{rule.saved * run.hours:.1f}" if run.hours else f"{100 * rule.saved:.0f} %"


def _train(out: Path, repairs: bool, seeds: int, epochs: int, processes: int) -> None:
    from neuromf.cli.console import make_console, progress_bar
    from neuromf.output import whole_file
    from neuromf.replay.diagnosis import suspects_of_curve
    from neuromf.replay.picture import draw_curves
    from neuromf.replay.small_scale import REPAIRS
    from neuromf.replay.train import jobs, read_curves, run_jobs
    from neuromf.replay.verdict import judge_repairs

    names = [repair.name for repair in REPAIRS] if repairs else ["none"]
    folder = out / f"epochs{epochs}"
    todo = jobs(folder, names, seeds, epochs)
    console = make_console()
    console.print(f"{len(todo)} of {len(names) * seeds} trainings to be done, {epochs} epochs each")
    with progress_bar("training") as show:
        for job, ending in run_jobs(todo, processes, show if processes == 1 else None):
            console.print(f"{job.repair}, seed {job.seed}: {ending}")
    curves = read_curves(folder, names, seeds)
    console.print(_verdicts(judge_repairs(curves)))
    picture = out / f"trained_{epochs}.png"
    with whole_file(picture) as staging:
        draw_curves(staging, curves, "The failed run trained again at small scale, and its repairs")
    console.print(f"curves: {folder}, picture: {picture}", soft_wrap=True)
    for curve in curves["none"][:1]:
        _say(console, suspects_of_curve(curve, epochs), "What the training as it was points to, likeliest first:")


def _verdicts(verdicts: list[RepairVerdict]) -> Table:
    table = _table("changed", "proposed by", "seeds", "MF loss, start", "MF loss, end", "FM end", "weighted", "verdict")
    for v in verdicts:
        spread = f"{v.weighted:.4f} +- {v.weighted_std:.4f}"
        numbers = (f"{v.start:.3g}", f"{v.ends_shown}", f"{v.flow_end:.3g}", spread)
        table.add_row(v.name, v.origin, str(v.seeds), *numbers, v.says)
    return table


def _table(*headers: str) -> Table:
    from rich.table import Table

    table = Table(pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table
