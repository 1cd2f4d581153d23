"""The simulation as a table: how often each algorithm is right, how sure that is, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

from neuromf.trace.exact import read_exact
from tools.studies.bisect_simulation.scenarios import SCENARIOS
from tools.studies.bisect_simulation.simulation import ALGORITHMS, Trial

SEARCH_BAR = 25
"""Probes within which a cause of up to three deltas is to be found, verification not counted."""
EXACT_BAR = 0.95
"""Share of the trials in which it must be, exactly."""
BARRED = ("k1", "k2", "k3")
"""Scenarios that the bar is set for."""
CAPTION = """Drawn among 12 deltas; the oracle misses 10 % of the breakages and invents 5 % unless said otherwise, and
the bisect believes 10 % and 5 % always. Exact: every minimal cause named and nothing else; genuine: at least one named,
and nothing else. In brackets Wilson's 95 % interval. Mean probes that search (with their 95th percentile), that verify,
and that ddmin makes when the search fails; within 25 are those of search and ddmin. The rivals name one set and verify
nothing.
"""
HEADERS = ("breakage", "algorithm", "exact, %", "genuine, %", "exact within 25, %", "search", "p95", "verify", "ddmin")
COLUMNS = tuple(Trial.__dataclass_fields__)


@dataclass(frozen=True)
class TrialShare:
    """A count among trials.

    Attributes:
        hits: trials that are counted.
        total: all trials.
    """

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.hits / self.total

    def __str__(self) -> str:
        """In percent with its 95 % interval, E. B. Wilson, JASA 22 (1927)."""
        interval = binomtest(self.hits, self.total).proportion_ci(confidence_level=0.95, method="wilson")
        return f"{100 * self.value:.1f} ({100 * interval.low:.1f}..{100 * interval.high:.1f})"


def trial_frame(trials: Iterable[Trial]) -> pd.DataFrame:
    """Trials as rows."""
    return pd.DataFrame([asdict(trial) for trial in trials], columns=list(COLUMNS))


def read_trials(path: Path) -> pd.DataFrame:
    """Trials as `python -m tools bisect-simulate` wrote them."""
    return read_exact(path)


def within_bar(trials: pd.DataFrame) -> TrialShare:
    """Trials that are exact and needed at most 25 probes to find the candidate, ddmin's included."""
    hits = (trials["exact"] == 1) & (trials["search"] + trials["fallback"] <= SEARCH_BAR)
    return TrialShare(int(hits.sum()), len(trials))


def markdown(trials: pd.DataFrame) -> str:
    """One row a scenario and algorithm, in the order of the scenarios."""
    rows = [CAPTION, f"| {' | '.join(HEADERS)} |", "|" + "---|" * len(HEADERS)]
    for scenario in SCENARIOS:
        for algorithm in ALGORITHMS:
            mine = trials[(trials["scenario"] == scenario.name) & (trials["algorithm"] == algorithm)]
            if len(mine):
                rows.append(_row(scenario.says, algorithm, mine))
    return "\n".join(rows) + "\n"


def _row(says: str, algorithm: str, mine: pd.DataFrame) -> str:
    exact, genuine = (TrialShare(int(mine[column].sum()), len(mine)) for column in ("exact", "genuine"))
    means = (f"{mine[column].mean():.1f}" for column in ("verify", "fallback"))
    search = f"{mine['search'].mean():.1f} | {mine['search'].quantile(0.95):.0f}"
    return f"| {says} | {algorithm} | {exact} | {genuine} | {within_bar(mine)} | {search} | {' | '.join(means)} |"
