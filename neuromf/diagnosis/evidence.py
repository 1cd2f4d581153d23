"""One rule by which every number becomes evidence: points, each of which shifts the odds of a cause by a factor of ten.

A number between measured runs is placed on a log axis where the worst healthy training stands at -1 and the mildest
faulty one at +1. A law counts a point for each decade beyond its bound. A fact that a sound program cannot show, and
its opposite, count the limit. Points of independent questions add up to the logarithm of the odds; the limit is what
Jeffreys calls decisive evidence (Theory of Probability, 1961, appendix B: ten to one is strong, a hundred decisive).
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
"""A law that the configuration keeps is at most one point against its suspect: the code may break it all the same."""


@dataclass(frozen=True)
class Reading:
    """What a sign says of a cause it belongs to: points for (above 0) or against it, and a sentence with numbers."""

    points: float
    says: str

    def opposed(self, why: str) -> Reading:
        """The same number where it contradicts a cause: its presence counts against, its absence for nothing."""
        return Reading(-max(self.points, 0.0), f"{self.says}: {why}")


@dataclass(frozen=True)
class Edges:
    """Where a number stood in measured runs: the worst healthy training and the mildest that showed the fault."""

    healthy: float
    faulty: float

    def place(self, value: float, says: str) -> Reading:
        """Points of `value` on the log axis through both edges; NaN and infinity count as faulty."""
        text = f"{says} (healthy {self.healthy:.2g}, faulty {self.faulty:.2g})"
        if not value < math.inf:
            return Reading(LIMIT, text)
        if value <= 0:
            return Reading(-LIMIT, text)
        low, high = math.log(self.healthy), math.log(self.faulty)
        return Reading(clip((2 * math.log(value) - low - high) / (high - low)), text)


def fact(present: bool, says: str) -> Reading:
    """A fact that a sound program never shows."""
    return Reading(LIMIT if present else -LIMIT, says)


def law_reading(law_id: str, title: str, finding: Finding) -> Reading:
    """A law judged on the configuration alone: decades beyond its bound, one point where it has no number."""
    value = finding.value if isinstance(finding.value, str) else rounded(finding.value, 4)
    detail = "" if finding.passed or not finding.detail else f"; {finding.detail}"
    says = f"{law_id}, {title}: {value} {finding.unit}".rstrip() + f", bound {finding.bound}{detail}"
    return Reading(min(max(_decades(finding), KEPT), LIMIT), says)


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
