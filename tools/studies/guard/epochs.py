"""When a rule spoke, in epochs of the run, and its spread over noisy repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tools.studies.guard.rules import is_warning
from tools.studies.guard.simulate import curves


@dataclass(frozen=True)
class Spread:
    """When something happened in repeated runs; infinite where it did not.

    Attributes:
        early: 5th percentile.
        median: 50th.
        late: 95th.
    """

    early: float
    median: float
    late: float

    def __str__(self) -> str:
        shown = ["never" if np.isinf(value) else f"{value:.0f}" for value in (self.median, self.early, self.late)]
        return f"{shown[0]} ({shown[1]}..{shown[2]})"


def spread(times: NDArray[np.float64]) -> Spread:
    """Percentiles, each one of the values, so that never stays infinite."""
    early, median, late = np.quantile(times, (0.05, 0.5, 0.95), method="inverted_cdf")
    return Spread(float(early), float(median), float(late))


def first_steps(rows: pd.DataFrame, rules: Sequence[str]) -> NDArray[np.float64]:
    """Step at which the first of some rules spoke in each run, infinite for never."""
    steps = rows[list(rules)].astype("Float64").min(axis=1)
    return steps.to_numpy(dtype=float, na_value=np.inf)


def first_epochs(rows: pd.DataFrame, rules: Sequence[str]) -> NDArray[np.float64]:
    """The same as an epoch, from 0, of simulated runs of one curve."""
    curve = next(curve for curve in curves() if curve.name == rows["curve"].iloc[0])
    return np.floor(first_steps(rows, rules) / curve.steps_per_epoch)


def halts(rules: Sequence[str]) -> list[str]:
    """The rules that stop a run."""
    return [rule for rule in rules if not is_warning(rule)]


def first_speakers(rows: pd.DataFrame, rules: Sequence[str]) -> dict[str, int]:
    """How often each rule spoke before all others; a tie counts for the one that is named first."""
    steps = rows[list(rules)].astype("Float64").astype(float).fillna(np.inf)
    spoken = steps[np.isfinite(steps.min(axis=1))]
    counts = spoken.idxmin(axis=1).value_counts() if len(spoken) else pd.Series(dtype=int)
    return {str(rule): int(count) for rule, count in counts.items()}
