"""Measured tolerances: how far benign changes move each column, and how far faults do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from neuromf.golden.case import GoldenCase
from neuromf.golden.runner import CaseRun, run_steps, threads
from neuromf.golden.tolerances import FLOOR, TOLERANCE_SCHEMA, relative_differences
from neuromf.trace.columns import COLUMNS
from tools.golden.faults import FAULTS
from tools.golden.noise import PERTURBATIONS

EXACT_COLUMNS = ("step", "batch_hash", "frac_fm", "clip_frac", "lr")
"""Counts, hashes and closed forms: the same on every machine, or wrong."""
SEPARATION = 10.0
"""A fault must move a column this many times further than noise does, or the column does not tell them apart."""


LARGEST = 1e-2
"""Tolerance that no column needs more than, unless noise alone is of that size."""


@dataclass(frozen=True)
class CaseMeasurement:
    """What measuring a case gave.

    Attributes:
        base: the undisturbed run.
        noise: perturbation x column, largest relative difference over all steps.
        effects: fault x column, the same; infinite where a number came or went.
    """

    base: CaseRun
    noise: pd.DataFrame
    effects: pd.DataFrame


def measure_case(case: GoldenCase, on_run: Callable[[int, int, str], None] | None = None) -> CaseMeasurement:
    """Run a case undisturbed, under every benign change, and with every fault."""
    changes = [change for change in PERTURBATIONS if change.fits(case.config)]
    total = 1 + len(changes) + len(FAULTS)
    done = 0

    def told(name: str, run: CaseRun) -> CaseRun:
        nonlocal done
        done += 1
        if on_run is not None:
            on_run(done, total, name)
        return run

    config, steps = case.config, case.contract.steps
    with threads(1):
        base = told("undisturbed", run_steps(config, steps))
        noise = {}
        for change in changes:
            with change.context():
                run = told(change.name, run_steps(change.config(config), steps, change.state))
            noise[change.name] = relative_differences(run.table, base.table)
        effects = {}
        for fault in FAULTS:
            with fault.injected():
                run = told(fault.name, run_steps(fault.changed(config), steps))
            effects[fault.name] = relative_differences(run.table, base.table)
    return CaseMeasurement(base, pd.DataFrame(noise).T, pd.DataFrame(effects).T)


def tolerance_table(measurement: CaseMeasurement) -> pd.DataFrame:
    """The tolerance of each column: sqrt(noise x effect), where a fault moves it ten times further than noise.

    The effect is the smallest one among the faults that move the column by more than that.
    """
    rows = [_tolerance_row(column.name, measurement) for column in COLUMNS]
    return TOLERANCE_SCHEMA.validate(pd.DataFrame(rows, columns=list(TOLERANCE_SCHEMA.columns)))


def _tolerance_row(name: str, measurement: CaseMeasurement) -> list[object]:
    noise, effects = measurement.noise[name], measurement.effects[name]
    empty = name in measurement.base.table.numbers and bool(measurement.base.table.numbers[name].empty.all())
    if empty:
        return [name, "absent", 0.0, None, 0.0, None, 0.0]
    noisiest = str(noise.idxmax()) if noise.max() > 0 else None
    floor = max(float(noise.max()), FLOOR)
    telling = effects[effects > SEPARATION * floor]
    effect = float(telling.min()) if len(telling) else 0.0
    weakest = str(telling.idxmin()) if len(telling) else None
    if name in EXACT_COLUMNS:
        kind = "exact" if noise.max() == 0 else "demoted"
        return [name, kind, float(noise.max()), noisiest, min(effect, 1e300), weakest, 0.0]
    kind = "measured" if len(telling) else "demoted"
    # An effect of more than 100 % says no more than that: the tolerance stays near the noise.
    rtol = math.sqrt(floor * min(effect, 1.0)) if len(telling) else 0.0
    # Never below what benign changes do, which in bfloat16 is more than a hundredth of a gradient's norm.
    largest = max(LARGEST, 2 * float(noise.max()))
    return [name, kind, float(noise.max()), noisiest, min(effect, 1e300), weakest, min(rtol, largest)]


def undetected_laws(case: GoldenCase, measurement: CaseMeasurement, table: pd.DataFrame) -> list[str]:
    """Laws that the case claims and of which no fault is beyond the tolerance of any column."""
    bounds = {row["column"]: row["rtol"] for row in table.to_dict("records") if row["kind"] in ("measured", "exact")}
    effects = measurement.effects.to_dict("index")

    def seen(fault_name: str) -> bool:
        return any(effects[fault_name][column] > bound for column, bound in bounds.items())

    return [law for law in case.contract.laws if not any(seen(f.name) for f in FAULTS if f.law == law)]
