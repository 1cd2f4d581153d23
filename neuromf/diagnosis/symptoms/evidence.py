"""How a number becomes evidence: as points, each of which changes the odds of a cause by a factor of ten.

A number with a calibrated range is placed on a log axis on which the worst healthy training has -1 and the mildest
faulty one +1. A law gives one point for each factor of ten beyond its bound. A fact that a correct program never shows
gives the limit, and its absence minus the limit. Points of independent questions add up to the logarithm of the odds.
The limit is what Jeffreys calls decisive evidence (Theory of Probability, 1961, appendix B: ten to one is strong, a
hundred to one decisive).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from neuromf_spec.law import Finding

from neuromf.readable import rounded

LIMIT = 2.0
"""Most points that one question adds or takes, a factor of 100: no number outvotes all others."""
PRIOR = -1.0
"""Points of a cause before anything is known of it: one of about ten."""
KEPT = -1.0
"""A law that the configuration keeps is at most one point against its cause: the code may still violate it."""


@dataclass(frozen=True)
class SignReading:
    """The value of a sign: points for (above 0) or against the causes it belongs to, and a sentence with numbers."""

    points: float
    says: str

    def opposed(self, why: str) -> SignReading:
        """The same number where it contradicts a cause: its presence counts against, its absence for nothing."""
        return SignReading(-max(self.points, 0.0), f"{self.says}: {why}")


@dataclass(frozen=True)
class CalibratedRange:
    """A number in measured runs: its value in the worst healthy training and in the mildest one with the fault."""

    healthy: float
    faulty: float

    def place(self, value: float, says: str) -> SignReading:
        """Points of `value` on the log axis through both edges; NaN and infinity count as faulty."""
        text = f"{says} (healthy {self.healthy:.2g}, faulty {self.faulty:.2g})"
        if not value < math.inf:
            return SignReading(LIMIT, text)
        if value <= 0:
            return SignReading(-LIMIT, text)
        low, high = math.log(self.healthy), math.log(self.faulty)
        return SignReading(clip((2 * math.log(value) - low - high) / (high - low)), text)


def fact(present: bool, says: str) -> SignReading:
    """A fact that a sound program never shows."""
    return SignReading(LIMIT if present else -LIMIT, says)


def law_reading(law_id: str, title: str, finding: Finding) -> SignReading:
    """A law judged on the configuration alone: decades beyond its bound, one point where it has no number."""
    value = finding.value if isinstance(finding.value, str) else rounded(finding.value, 4)
    detail = "" if finding.passed or not finding.detail else f"; {finding.detail}"
    says = f"{law_id}, {title}: {value} {finding.unit}".rstrip() + f", bound {finding.bound}{detail}"
    return SignReading(min(max(_decades(finding), KEPT), LIMIT), says)


def clip(points: float) -> float:
    """At most `LIMIT` either way."""
    return max(-LIMIT, min(LIMIT, points))


def score(points: float) -> float:
    """Probability of a cause whose evidence adds up to `points`, 0..1."""
    # Beyond 300 decades the power overflows; no sum of a dozen questions comes near.
    return 1 / (1 + 10 ** -(points + PRIOR))


def _decades(finding: Finding) -> float:
    bound = re.match(r"(<=|>=) ([-+.\de]+)", finding.bound)
    if bound is None or isinstance(finding.value, str):
        return KEPT if finding.passed else 1.0
    value, limit = finding.value, float(bound[2])
    beyond, within = (value, limit) if bound[1] == "<=" else (limit, value)
    if not within > 0:
        return LIMIT
    return math.log10(beyond / within) if beyond > 0 else KEPT
