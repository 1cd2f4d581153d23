"""What `neuromf sweep` prints at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from neuromf.sweep.differences import PairedDifference
from neuromf.sweep.result import SweepResult


def print_result(console: Console, result: SweepResult, files: Sequence[Path]) -> None:
    """A row an arm, and what follows from it in sentences."""
    table = Table(box=None, pad_edge=False)
    for name in ("arm", "fate", "epochs", result.sweep.metric, "minus the base's, 95 %", ""):
        table.add_column(name, overflow="fold")
    for arm in result.arms:
        record = arm.record
        mean = "" if math.isnan(record.mean) else f"{record.mean:.4g}"
        note = record.note or ("the winner" if arm is result.winner else "")
        table.add_row(record.arm.name, record.fate.value, str(record.epochs), mean, interval(arm.from_base), note)
    console.print(table)
    for sentence in sentences(result):
        console.print(sentence, soft_wrap=True)
    console.print(f"written: {', '.join(map(str, files))}", soft_wrap=True)


def interval(found: PairedDifference | None) -> str:
    """A difference with its interval, and whether it leaves out zero."""
    if found is None or math.isnan(found.mean):
        return ""
    if found.is_apart is None:
        return f"{found.mean:+.3g}"
    return f"{found.mean:+.3g} ({found.low:+.3g} to {found.high:+.3g}){' *' if found.is_apart else ''}"


def sentences(result: SweepResult) -> list[str]:
    """What a reader takes home."""
    found = []
    if result.winner is None:
        found.append("No arm was trained to the end, so there is no winner.")
    else:
        winner = result.winner.record
        found.append(f"Lowest mean: {winner.arm.name}, {result.sweep.metric} {winner.mean:.4g}.")
        alike = [arm.record.arm.name for arm in result.like_the_winner]
        if alike:
            found.append(f"{len(result.sweep.seeds)} seeds cannot tell it from: {'; '.join(alike)}.")
    compared = sum(arm.from_base is not None and arm.from_base.is_apart is not None for arm in result.arms)
    if compared:
        found.append(f"* the interval leaves out zero; of {compared} arms without any effect, "
                     f"{0.05 * compared:.1g} would have one on average.")  # fmt: skip
    if not result.whole:
        found.append("The budget did not last: raise it and go on with --resume.")
    found.append(f"{result.steps:,} optimiser steps, {result.hours:.2f} hours of trainings.")
    return found
