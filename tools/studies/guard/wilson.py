"""How sure a counted share is."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest


@dataclass(frozen=True)
class RunShare:
    """A count among runs, with its Wilson 95 % interval.

    Attributes:
        count: runs that were counted.
        total: all runs.
    """

    count: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end of the share; E. B. Wilson, JASA 22 (1927)."""
        found = binomtest(self.count, self.total).proportion_ci(confidence_level=0.95, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count} of {self.total:,} ({100 * low:.3g}..{100 * high:.3g} %)"
