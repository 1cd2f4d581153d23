"""Whether a small training exploded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from neuromf.replay.small_scale import REPAIRS

EXPLODED = 10.0
"""Last raw MF loss over the first, both medians over a tenth of the run, from which a training has exploded. Healthy
ones end below their start."""


@dataclass(frozen=True)
class RepairVerdict:
    """Trainings of one kind.

    Attributes:
        name: what was repaired.
        origin: who proposed it.
        seeds: number of trainings.
        start: raw MF loss of the first epochs, median over seeds.
        ends: raw MF loss of the last epochs, by seed.
        flow_end: raw FM loss of the last epochs, median over seeds.
        weighted: weighted loss over all epochs, mean.
        weighted_std: largest spread of it within an epoch.
        exploded: seeds that exploded.
    """

    name: str
    origin: str
    seeds: int
    start: float
    ends: tuple[float, ...]
    flow_end: float
    weighted: float
    weighted_std: float
    exploded: int

    @property
    def ends_shown(self) -> str:
        """The last losses from lowest to highest."""
        return " ".join(f"{end:.3g}" for end in sorted(self.ends))

    @property
    def says(self) -> str:
        """The verdict in words."""
        if self.exploded == 0:
            return "healthy" if max(self.ends) < self.start else "does not explode, does not learn"
        return f"explodes in {self.exploded} of {self.seeds}"


def judge_repairs(curves: dict[str, list[pd.DataFrame]]) -> list[RepairVerdict]:
    """One verdict a repair, from its curves by epoch."""
    return [_judge(name, tables) for name, tables in curves.items() if tables]


def _judge(name: str, tables: list[pd.DataFrame]) -> RepairVerdict:
    starts, ends = (np.array([_level(t["raw_mf"], first=first) for t in tables]) for first in (True, False))
    # `not <=` so that a NaN counts as exploded.
    exploded = int((~(ends <= EXPLODED * starts)).sum())
    return RepairVerdict(
        name=name,
        origin=next(repair.origin for repair in REPAIRS if repair.name == name),
        seeds=len(tables),
        start=float(np.median(starts)),
        ends=tuple(float(end) for end in ends),
        flow_end=float(np.median([_level(t["raw_fm"], first=False) for t in tables])),
        weighted=float(np.mean([t["weighted"].mean() for t in tables])),
        weighted_std=float(max(t["weighted_std"].max() for t in tables)),
        exploded=exploded,
    )


def _level(values: pd.Series[float], *, first: bool) -> float:
    """Median over the first epoch, before the learning rate has risen, or over the last tenth of the epochs."""
    # numpy's median keeps a NaN, pandas' would pass over it.
    return float(values.iloc[0] if first else np.median(values.to_numpy()[-max(len(values) // 10, 1) :]))
