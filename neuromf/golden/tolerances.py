"""The measured tolerances of a golden case: the schema of their table, and their conversion for the comparator."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pandera.pandas as pa

from neuromf.comparison.comparator import Tolerance
from neuromf.comparison.table import TraceTable
from neuromf.trace.columns import COLUMNS

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


def tolerances_from(table: pd.DataFrame) -> dict[str, Tolerance]:
    """What the comparator needs; a demoted column may be anything that is finite."""
    found = {}
    for row in table.to_dict("records"):
        loose = math.inf if row["kind"] == "demoted" else 0.0
        found[row["column"]] = Tolerance(rtol=row["rtol"], atol=loose, noise=max(row["noise"], FLOOR / 10))
    return found


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
    if not (np.isfinite(values).all() and np.isfinite(reference).all()):
        return math.inf
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        apart = np.abs(values - reference)
        quotients = np.where(apart == 0, 0.0, apart / np.abs(reference))
    return float(quotients.max(initial=0.0))
