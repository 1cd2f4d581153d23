"""The console output of `neuromf bisect`, while it works and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from neuromf.bisect.answer import keys
from neuromf.bisect.session import Ended
from neuromf.bisect.study import BisectStudy
from neuromf.cli.console import progress_bar


def print_study(console: Console, study: BisectStudy, *, idle_gpus: bool = False) -> None:
    """What is bisected and on what, and what the scale of the probes leaves out.

    Args:
        console: where to.
        study: the bisect.
        idle_gpus: whether GPUs were asked for that no probe uses.
    """
    console.print(f"{len(study.names)} deltas: {', '.join(study.names)}", soft_wrap=True, markup=False)
    idle = "; --slurm-gpus are used with --full-scale alone" if idle_gpus else ""
    console.print(
        f"every probe computes on {'the CPU' if study.device == 'cpu' else study.device}{idle}", soft_wrap=True
    )
    if study.hidden:
        hidden = ", ".join(study.hidden)
        says = f"not compared at this scale: {hidden}; --full-scale compares them"
        console.print(says, soft_wrap=True, markup=False)


@contextmanager
def probe_printer(console: Console, study: BisectStudy) -> Iterator[Callable[[Ended], None]]:
    """A function that shows each probe that ends: a bar on a terminal, a line each when piped."""

    def print_line(ended: Ended) -> None:
        probe, outcome = ended.observation.probe, ended.observation.outcome
        left, leader = _progress(study, ended)
        says = f"probe {probe.index} ({probe.purpose.value}): {outcome.verdict.value}, {outcome.cost:.1f} s"
        console.print(f"{says}, {outcome.detail}; {leader}, about {left} left", soft_wrap=True, markup=False)

    if not console.is_terminal:
        yield print_line
        return
    with progress_bar("bisect") as show:

        def move_bar(ended: Ended) -> None:
            left, leader = _progress(study, ended)
            show(ended.finished, ended.finished + left, leader)

        yield move_bar


def _progress(study: BisectStudy, ended: Ended) -> tuple[int, str]:
    if ended.progress is None:
        return max(0, 2 * study.repeats - ended.finished), "calibrating"
    best = ended.progress.leaders[0]
    names = " or ".join("{" + ", ".join(keys(study, cause)) + "}" for cause in best.causes) or "no culprit"
    return ended.progress.left, f"{best.probability:.2f} {names}"


def print_answer(console: Console, found: dict[str, Any], files: list[Path]) -> None:
    """The answer as tables and sentences."""
    for number, cause in enumerate(found["causes"]):
        table = Table("key", "good", "bad", title=f"cause {number + 1}", title_justify="left", pad_edge=False)
        for delta in cause["deltas"]:
            for key, good, bad in zip(delta["keys"], delta["good"], delta["bad"], strict=True):
                table.add_row(key, str(good), str(bad))
        console.print(table)
        for law in cause["laws"]:
            console.print(f"breaks {law['law']}, {law['title']}: {law['found']}", soft_wrap=True, markup=False)
    table = Table("claim", "keys", "status", "broken", "healthy", pad_edge=False)
    for claim in found["claims"]:
        shown = ", ".join(claim["keys"])
        table.add_row(claim["says"], shown, claim["standing"], str(claim["broken"]), str(claim["healthy"]))
    console.print(table)
    verdict = f"{found['ending']}: {found['reason']}" if found["reason"] else found["ending"]
    guess = f"; guess {found['guess']}, not verified" if found["guess"] else ""
    cost = f"{found['probes']} probes, {found['seconds']:.0f} s of training"
    console.print(f"{verdict}{guess}; posterior {found['posterior']:.3f}; {cost}", soft_wrap=True, markup=False)
    console.print(f"files: {', '.join(map(str, files))}", soft_wrap=True, markup=False)
