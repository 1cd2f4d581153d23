"""Measured tolerances: how far benign changes move each column, and how far faults do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pa

from neuromf.trace.columns import COLUMNS
from tools.compare.comparator import Tolerance
from tools.compare.table import TraceTable
from tools.golden.case import GoldenCase
from tools.golden.faults import FAULTS
from tools.golden.noise import PERTURBATIONS, threads
from tools.golden.runner import CaseRun, run_steps

EXACT_COLUMNS = ("step", "batch_hash", "frac_fm", "clip_frac", "lr")
"""Counts, hashes and closed forms: the same on every machine, or wrong."""
SEPARATION = 10.0
"""A fault must move a column this many times further than noise does, or the column does not tell them apart."""
FLOOR = 1e-6
"""Smallest relative tolerance: nine digits are stored, and another processor rounds float32 sums otherwise."""

TOLERANCE_SCHEMA = pa.DataFrameSchema(
    {
        "column": pa.Column(str, [pa.Check.isin([c.name for c in COLUMNS]), pa.Check(lambda s: s.is_unique)]),
        "kind": pa.Column(str, pa.Check.isin(["exact", "measured", "demoted", "absent"])),
        "noise": pa.Column(float, pa.Check.ge(0), coerce=True),
        "noisiest": pa.Column(str, nullable=True),
        "effect": pa.Column(float, pa.Check.ge(0), coerce=True),
        "weakest": pa.Column(str, nullable=True),
        "rtol": pa.Column(float, pa.Check.ge(0), coerce=True),
    },
    strict=True,
    ordered=True,
)
"""One row a column: its class, the noise and the smallest effect that were measured, and the tolerance between them."""


@dataclass(frozen=True)
class Measurement:
    """What measuring a case gave.

    Attributes:
        base: the undisturbed run.
        noise: perturbation x column, largest relative difference over all steps.
        effects: fault x column, the same; infinite where a number came or went.
    """

    base: CaseRun
    noise: pd.DataFrame
    effects: pd.DataFrame


def measure_case(case: GoldenCase, on_run: Callable[[int, int, str], None] | None = None) -> Measurement:
    """Run a case undisturbed, under every benign change, and with every fault."""
    total = 1 + len(PERTURBATIONS) + len(FAULTS)
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
        for change in PERTURBATIONS:
            with change.context():
                run = told(change.name, run_steps(change.config(config), steps, change.state))
            noise[change.name] = relative_differences(run.table, base.table)
        effects = {}
        for fault in FAULTS:
            with fault.injected():
                run = told(fault.name, run_steps(fault.changed(config), steps))
            effects[fault.name] = relative_differences(run.table, base.table)
    return Measurement(base, pd.DataFrame(noise).T, pd.DataFrame(effects).T)


def relative_differences(actual: TraceTable, golden: TraceTable) -> dict[str, float]:
    """Largest |a - g| / |g| of each column over all steps; infinite where a cell came, went or is not finite."""
    return {name: _difference(actual, golden, name) for name in golden.columns}


def _difference(actual: TraceTable, golden: TraceTable, name: str) -> float:
    if name in golden.texts:
        return 0.0 if np.array_equal(actual.texts[name], golden.texts[name]) else math.inf
    found, expected = actual.numbers[name], golden.numbers[name]
    if len(found.values) != len(expected.values) or (found.empty != expected.empty).any():
        return math.inf
    both = ~expected.empty
    values, reference = found.values[both].astype(float), expected.values[both].astype(float)
    if not np.isfinite(values).all():
        return math.inf
    apart = np.abs(values - reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = np.where(apart == 0, 0.0, apart / np.abs(reference))
    return float(quotients.max(initial=0.0))


def tolerance_table(measurement: Measurement) -> pd.DataFrame:
    """The tolerance of each column: sqrt(noise x effect), where a fault moves it ten times further than noise.

    The effect is the smallest one among the faults that move the column by more than that.
    """
    rows = [_tolerance_row(column.name, measurement) for column in COLUMNS]
    return TOLERANCE_SCHEMA.validate(pd.DataFrame(rows, columns=list(TOLERANCE_SCHEMA.columns)))


def _tolerance_row(name: str, measurement: Measurement) -> list[object]:
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
    return [name, kind, float(noise.max()), noisiest, min(effect, 1e300), weakest, min(rtol, 1e-2)]


def tolerances_from(table: pd.DataFrame) -> dict[str, Tolerance]:
    """What the comparator needs; a demoted column may be anything that is finite."""
    found = {}
    for row in table.to_dict("records"):
        loose = math.inf if row["kind"] == "demoted" else 0.0
        found[row["column"]] = Tolerance(rtol=row["rtol"], atol=loose, noise=max(row["noise"], FLOOR / 10))
    return found


def undetected_laws(case: GoldenCase, measurement: Measurement, table: pd.DataFrame) -> list[str]:
    """Laws that the case claims and of which no fault is beyond the tolerance of any column."""
    bounds = {row["column"]: row["rtol"] for row in table.to_dict("records") if row["kind"] in ("measured", "exact")}
    effects = measurement.effects.to_dict("index")

    def seen(fault_name: str) -> bool:
        return any(effects[fault_name][column] > bound for column, bound in bounds.items())

    return [law for law in case.contract.laws if not any(seen(f.name) for f in FAULTS if f.law == law)]
