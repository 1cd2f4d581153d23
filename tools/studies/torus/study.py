"""Train what is planned: one row a setting and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from neuromf.torus.recipe import TorusTraining, train_torus
from tools.studies.torus.plan import SCALE_SEEDS, SHARE_SEEDS, ScaleSetting, ShareSetting

BLOCK = 25
"""Steps whose median is one reading of the raw loss."""
Row = dict[str, object]


def share_rows(settings: Sequence[ShareSetting], seeds: Sequence[int] = SHARE_SEEDS) -> Iterator[Row]:
    """Sample quality of every share and seed."""
    for setting in settings:
        trained = train_torus(setting.training(), seeds)
        for seed, distance, wasserstein in zip(seeds, trained.distance_M, trained.wasserstein_M, strict=True):
            yield {**asdict(setting), "seed": seed, "distance": distance, "wasserstein": wasserstein}


def scale_rows(settings: Sequence[ScaleSetting], seeds: Sequence[int] = SCALE_SEEDS) -> Iterator[Row]:
    """Raw MF loss and sample quality of every setting and seed."""
    for setting in settings:
        trained = train_torus(setting.training(), seeds, setting.build)
        for column, seed in enumerate(seeds):
            yield {**asdict(setting), "seed": seed, **readings(trained, column)}


def readings(trained: TorusTraining, column: int) -> Row:
    """First, worst and last block of the raw MF loss, last of the raw FM loss, and the quality of the samples."""
    mean_flow, flow = (blocks(raw_SM[:, column]) for raw_SM in (trained.raw_mf_SM, trained.raw_fm_SM))
    return {
        "first_mf": mean_flow[0],
        "worst_mf": mean_flow.max(),
        "last_mf": mean_flow[-1],
        "last_fm": flow[-1],
        "distance": trained.distance_M[column],
        "wasserstein": trained.wasserstein_M[column],
    }


def blocks(raw_S: np.ndarray) -> np.ndarray:
    """Median of each block of steps."""
    return np.array(np.median(raw_S.reshape(-1, BLOCK), axis=1))


def collect(rows: Iterator[Row], on_row: Callable[[int], None]) -> pd.DataFrame:
    """All rows as a table, numbers to four decimals; `on_row` hears how many there are after each."""
    kept: list[Row] = []
    for row in rows:
        on_row(len(kept) + 1)
        kept.append(
            {name: round(float(value), 4) if isinstance(value, float) else value for name, value in row.items()}
        )
    return pd.DataFrame(kept)
