"""The result of a sweep as a document, a table of arms, and a configuration of the winner."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.config.resolve import resolved_text
from neuromf.json_text import json_text
from neuromf.output import write_output
from neuromf.sweep.arm_record import ArmRecord, Fate
from neuromf.sweep.differences import PairedDifference, paired_difference
from neuromf.sweep.specification import SweepFile


@dataclass(frozen=True)
class ArmResult:
    """An arm at the end.

    Attributes:
        record: what is known of it.
        from_base: its metric minus the base's, at its own last rung; None for the base and where nothing was judged.
        from_winner: its metric minus the winner's, likewise.
    """

    record: ArmRecord
    from_base: PairedDifference | None
    from_winner: PairedDifference | None


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        sweep: its file.
        name: of the file.
        arms: all arms, in the file's order.
        winner: the arm with the lowest mean of those that were trained to the end; None where there is none.
        whole: whether the budget lasted to the end.
        steps: optimiser steps of all trainings.
        hours: hours of all trainings, added.
    """

    sweep: SweepFile
    name: str
    arms: tuple[ArmResult, ...]
    winner: ArmResult | None
    whole: bool
    steps: int
    hours: float

    @property
    def like_the_winner(self) -> list[ArmResult]:
        """Other finished arms that these seeds cannot tell from the winner."""
        return [
            arm
            for arm in self.arms
            if arm is not self.winner and arm.record.fate is Fate.FINISHED and arm.from_winner is not None
            and arm.from_winner.is_apart is not True
        ]  # fmt: skip


def sweep_result(
    sweep: SweepFile, name: str, records: Sequence[ArmRecord], *, whole: bool, steps: int, hours: float
) -> SweepResult:
    """Compare all arms with the base and with the winner, each pair at the last rung that both were judged at."""
    finished = [record for record in records if record.fate is Fate.FINISHED and math.isfinite(record.mean)]
    best = min(finished, key=lambda record: record.mean, default=None)
    arms = tuple(ArmResult(one, _difference(one, records[0]), _difference(one, best)) for one in records)
    winner = next((arm for arm in arms if arm.record is best), None) if best is not None else None
    return SweepResult(sweep, name, arms, winner, whole, steps, hours)


def _difference(one: ArmRecord, other: ArmRecord | None) -> PairedDifference | None:
    if other is None or one is other or one.epochs not in other.values:
        return None
    return paired_difference(one.last, other.values[one.epochs])


def document(result: SweepResult) -> dict[str, Any]:
    """Everything as data; what is not finite is text."""
    return {
        "sweep": result.name,
        "about": result.sweep.about,
        "metric": result.sweep.metric,
        "seeds": list(result.sweep.seeds),
        "whole": result.whole,
        "steps": result.steps,
        "hours": round(result.hours, 3),
        "winner": None if result.winner is None else result.winner.record.arm.name,
        "like_the_winner": [arm.record.arm.name for arm in result.like_the_winner],
        "arms": [_arm(arm) for arm in result.arms],
    }


def _arm(arm: ArmResult) -> dict[str, Any]:
    record = arm.record
    return {
        "name": record.arm.name, "settings": dict(record.arm.settings), "fate": record.fate.value, "note": record.note,
        "epochs": record.epochs, "mean": _number(record.mean),
        "values": {str(rung): {str(s): _number(v) for s, v in found.items()} for rung, found in record.values.items()},
        "from_base": _paired(arm.from_base), "from_winner": _paired(arm.from_winner),
    }  # fmt: skip


def _paired(found: PairedDifference | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"mean": _number(found.mean), "low": _number(found.low), "high": _number(found.high),
            "pairs": found.pairs, "is_apart": found.is_apart}  # fmt: skip


def _number(value: float) -> float | str | None:
    return value if math.isfinite(value) else None if math.isnan(value) else "infinite"


def arms_table(result: SweepResult) -> str:
    """`arms.csv`: a row an arm, with its metric for each seed at its last rung."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    seeds = result.sweep.seeds
    writer.writerow(["arm", "fate", "epochs", "mean", *(f"seed_{seed}" for seed in seeds),
                     "from_base", "from_base_low", "from_base_high"])  # fmt: skip
    for arm in result.arms:
        record, found = arm.record, arm.from_base
        cells = [record.mean, *(record.last.get(seed, math.nan) for seed in seeds)]
        cells += [found.mean, found.low, found.high] if found is not None else [math.nan] * 3
        writer.writerow([record.arm.name, record.fate.value, record.epochs,
                         *("" if math.isnan(cell) else f"{cell:.9g}" for cell in cells)])  # fmt: skip
    return stream.getvalue()


def write_result(out: Path, result: SweepResult) -> list[Path]:
    """Write `result.json`, `arms.csv` and, where there is a winner, `winner.yaml`; their paths.

    Raises:
        InputError: the disk refuses them.
    """
    texts = {"result.json": json_text(document(result)) + "\n", "arms.csv": arms_table(result)}
    if result.winner is not None:
        texts["winner.yaml"] = resolved_text(result.winner.record.arm.config)
    for name, text in texts.items():
        write_output(out / name, text)
    return [out / name for name in texts]
