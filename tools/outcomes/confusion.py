"""What the static gate says of published runs, counted: hits and false alarms, with Wilson's intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neuromf.config.load import load_config
from neuromf.gate.result import LawResult
from neuromf.gate.static import static_findings
from tools.outcomes.published import PublishedRun

PREDICTING = ("block", "warn")
"""Statuses that say that a run fails; a policy predicts nothing."""


@dataclass(frozen=True)
class JudgedRun:
    """A published run and what the static gate says of it."""

    run: PublishedRun
    results: tuple[LawResult, ...]

    def laws(self, status: str) -> list[str]:
        """Laws with this status."""
        return [result.law_id for result in self.results if result.status == status]

    @property
    def word(self) -> str:
        """`blocked`, `warned` or `clean`."""
        return "blocked" if self.laws("block") else "warned" if self.laws("warn") else "clean"


@dataclass(frozen=True)
class Rate:
    """How many of how many, with Wilson's interval at 95 %."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """The share, NaN of none."""
        return self.count / self.total if self.total else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the share."""
        from scipy.stats import binomtest

        if not self.total:
            return 0.0, 1.0
        found = binomtest(self.count, self.total).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count} of {self.total} ({100 * low:.0f} to {100 * high:.0f} %)"


@dataclass(frozen=True)
class Confusion:
    """Counts over the runs with strong and partial evidence.

    Attributes:
        false_alarms: good runs that are blocked.
        hits: bad runs that are blocked.
        clean: good runs without any warning.
        warned_bad: bad runs that are warned of or blocked.
    """

    false_alarms: Rate
    hits: Rate
    clean: Rate
    warned_bad: Rate


def judge_runs(runs: Iterable[PublishedRun]) -> list[JudgedRun]:
    """Judge each run by the laws that need no training.

    Raises:
        InputError: a configuration does not load.
    """
    return [JudgedRun(run, tuple(static_findings(load_config(run.path), {}))) for run in runs]


def confusion(judged: Sequence[JudgedRun]) -> Confusion:
    """Count the runs with strong and partial evidence."""
    counted = [entry for entry in judged if entry.run.counted]
    good, bad = ([entry.word for entry in counted if entry.run.good is kind] for kind in (True, False))
    return Confusion(
        false_alarms=Rate(good.count("blocked"), len(good)),
        hits=Rate(bad.count("blocked"), len(bad)),
        clean=Rate(good.count("clean"), len(good)),
        warned_bad=Rate(len(bad) - bad.count("clean"), len(bad)),
    )


def by_law(judged: Sequence[JudgedRun]) -> dict[str, dict[tuple[str, bool], int]]:
    """For each law that was judged: runs by (status, whether the run was good), over the counted ones."""
    counted = [entry for entry in judged if entry.run.counted]
    laws = dict.fromkeys(result.law_id for entry in counted for result in entry.results)
    return {
        law_id: {
            (status, good): sum(law_id in entry.laws(status) for entry in counted if entry.run.good is good)
            for status in (*PREDICTING, "info")
            for good in (True, False)
        }
        for law_id in laws
    }
