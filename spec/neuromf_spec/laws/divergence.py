"""What a diverging run shows in its raw losses, long before the review's fixed multiple is reached."""

from __future__ import annotations

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import measured, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

WARN_FACTOR, HALT_FACTOR = 10.0, 100.0
"""The review's multiples, here of the closed form: an initial level that need not be measured."""
LARGEST_TERM_RATIO = 10.0
"""Raw MF over raw FM loss, medians of an epoch. Of the trainings kept in golden/replay/epochs60 the nine healthy ones
reach 2.4 at most, the thirty that diverge at least 122."""


def above_nothing(*, loss: float, expected: float, factor: float = WARN_FACTOR) -> Finding:
    """Judge a raw loss against that of a network whose output is zero, in the same unit.

    Args:
        loss: median raw loss of a block of steps.
        expected: closed form for the run's times, prediction and tangent.
        factor: multiple that is borne.
    """
    detail = f"{loss:.4g} against {expected:.4g} for predicting nothing"
    return at_most(loss / expected, factor, unit="x the loss of predicting nothing", detail=detail)


def no_climb(*, statistic: float, bound: float) -> Finding:
    """Judge the cumulative sum of a loss's logarithm above its best level and a drift that is borne."""
    return at_most(statistic, bound, unit="log units", detail="cumulative sum over blocks of steps")


def terms_together(*, meanflow: float, flow: float) -> Finding:
    """Judge the raw MF loss of a block of steps against its raw FM loss."""
    ratio = meanflow / flow if flow > 0 else float("inf")
    detail = f"MF loss {meanflow:.4g}, FM loss {flow:.4g}"
    return at_most(ratio, LARGEST_TERM_RATIO, unit="raw MF / raw FM loss", detail=detail)


LAWS = (
    Law(
        id="GUARD-004",
        title="no worse than predicting nothing",
        statement="The raw loss stays below 10 times that of a zero output, and an FM loss above 100 times it halts.",
        equation=r"L \le 10\,\mathbb{E}\|V_0 - v_c\|^2,\quad L_{\mathrm{FM}} \le 100\,\mathbb{E}\|u_0 - v_c\|^2",
        sources=(review("section 3.4, E4"), measured("tests/laws/test_claims_curve.py")),
        severity=Severity.BLOCK,
        predicate=above_nothing,
        example={"loss": 12.0, "expected": 5.94},
        counterexample={"loss": 523.0, "expected": 47.5},
        remedy="Stop and read which term grew: neuromf report RUN --out report.html.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("M4",),
    ),
    Law(
        id="GUARD-005",
        title="raw loss does not climb",
        statement="The raw loss does not stay above ten times its best level, by a cumulative sum of its logarithm.",
        equation=r"S_k = \max(0,\,S_{k-1} + \log L_k - \min_{j<k}\log\bar L_j - \delta) \le h",
        sources=(review("section 3.4, E4"), measured("tests/equivalence/test_recorded_curve.py")),
        severity=Severity.BLOCK,
        predicate=no_climb,
        example={"statistic": 0.4, "bound": 3.0},
        counterexample={"statistic": 3.2, "bound": 3.0},
        remedy="Stop and read which term grew: neuromf report RUN --out report.html.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("M3", "M4"),
    ),
    Law(
        id="GUARD-006",
        title="MF and FM losses fall together",
        statement="The raw MF loss is at most 10 times the raw FM loss.",
        equation=r"L_{\mathrm{MF}} \le 10\,L_{\mathrm{FM}}",
        sources=(measured("tests/unit/replay/test_repairs.py"),),
        severity=Severity.WARN,
        predicate=terms_together,
        example={"meanflow": 0.17, "flow": 0.10},
        counterexample={"meanflow": 120.0, "flow": 0.105},
        remedy="Suspect the time derivative: set meanflow.jvp to exact and unet.time_scale to 1.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("J3", "J4"),
    ),
)
