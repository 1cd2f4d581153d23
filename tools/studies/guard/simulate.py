"""Simulated runs through the guard: one row a run, with the step at which each rule first spoke."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache

import numpy as np

from neuromf.config.schema import Config
from neuromf.monitor.guard.alarm import RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss
from neuromf.processes import worker_pool
from tools.studies.guard.curves import Curve, healthy_curves, recorded_curves
from tools.studies.guard.noise import LEVELS, NOISES, SILENT, Noise, step_losses
from tools.studies.guard.rules import first_alarms

SEED = 20_251_122
"""Of every simulated run, together with its curve, noise and number."""
Row = dict[str, int | float | str]


@dataclass(frozen=True)
class Series:
    """Simulated runs of one curve under one noise.

    Attributes:
        curve: place among all curves.
        noise: place in `LEVELS`.
        runs: how many.
    """

    curve: int
    noise: int
    runs: int


@cache
def curves() -> tuple[Curve, ...]:
    """All curves, the healthy ones first."""
    return (*healthy_curves(), *recorded_curves())


def plan(runs: int) -> list[Series]:
    """Every curve under every noise, `runs` times each, and the recorded ones once without."""
    noisy = [Series(curve, noise, runs) for curve in range(len(curves())) for noise in range(len(NOISES))]
    silent = LEVELS.index(SILENT)
    return noisy + [Series(place, silent, 1) for place, curve in enumerate(curves()) if not curve.healthy]


def simulate(series: Series) -> list[Row]:
    """Run one series."""
    curve, noise = curves()[series.curve], LEVELS[series.noise]
    rows: list[Row] = []
    for run in range(series.runs):
        generator = np.random.default_rng([SEED, series.curve, series.noise, run])
        heard = simulated_alarms(curve, noise, generator)
        rows.append({"curve": curve.name, "noise": noise.name, "run": run, **heard})
    return rows


def simulated_alarms(curve: Curve, noise: Noise, generator: np.random.Generator) -> dict[str, int]:
    """Steps at which each rule first speaks of one noisy run, up to a halt."""
    training = Config().training
    start = ZeroPredictorLoss(curve.start, curve.start)
    guard = DivergenceGuard(training.divergence_warn_ratio, training.divergence_threshold, start)
    levels = step_losses(curve, noise, generator).tolist()
    # Of recorded runs no FM loss is known; that of a healthy one follows its total.
    return first_alarms(guard, (RawLosses(level, level if curve.healthy else None) for level in levels))


def simulate_all(runs: int, processes: int) -> Iterator[list[Row]]:
    """Run every series, several at a time; as they are done."""
    if processes == 1:
        yield from map(simulate, plan(runs))
        return
    with worker_pool(processes) as pool:
        for future in as_completed([pool.submit(simulate, series) for series in plan(runs)]):
            yield future.result()
