"""Covariates of a sample, and the guided velocity that a network learns from them."""

from __future__ import annotations

import math

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import meanflow, measured
from neuromf_spec.law import Enforcer, Finding, Law, Severity

FORMULA_TOLERANCE = 1e-12
"""Relative, in float64: the guided velocity is a sum of three terms."""
STANDARD_ERRORS = 4.5
"""Of a mean over samples, or of a share: one in 150,000 checks of the right value lies outside."""


def guided_sum(*, difference: float) -> Finding:
    """Judge how far a regressed velocity is from the guided sum, or from e - x where nothing is known, relatively."""
    return at_most(difference, FORMULA_TOLERANCE, unit="relative")


def guided_minimum(*, standard_errors: float) -> Finding:
    """Judge how far the mean residual of the guided field is from zero.

    Args:
        standard_errors: largest of any class and moment, in standard errors of the mean.
    """
    return at_most(abs(standard_errors), STANDARD_ERRORS, unit="standard errors")


def own_covariates(*, strangers: int) -> Finding:
    """Judge how many samples have covariates of another scan."""
    return at_most(strangers, 0, unit="samples")


def dropped_share(*, dropped: int, samples: int, dropout: float) -> Finding:
    """Judge how many samples drop their covariates.

    Args:
        dropped: samples of which the network is told nothing.
        samples: all samples.
        dropout: the share that is asked for.
    """
    spread = math.sqrt(samples * dropout * (1 - dropout))
    distance = abs(dropped - dropout * samples)
    # Without spread the share is exact, none or all.
    away = distance / spread if spread > 0 else (math.inf if distance else 0.0)
    return at_most(away, STANDARD_ERRORS, unit="standard errors", detail=f"{dropped} of {samples}")


LAWS = (
    Law(
        id="COV-001",
        title="own covariates",
        statement="A sample's covariates are those of the scan that it is drawn from.",
        equation=r"y_i = y(\text{scan of } x_i)",
        sources=(measured("tests/laws/test_law_covariates.py"),),
        severity=Severity.BLOCK,
        predicate=own_covariates,
        example={"strangers": 0},
        counterexample={"strangers": 3},
        remedy="Take data and covariates by the same indices.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="COV-002",
        title="told of nothing",
        statement="A share `covariates.dropout` of the samples tells the network nothing, of all covariates at once.",
        equation=r"P(y = 0) = \delta",
        sources=(meanflow("section 4.2"),),
        severity=Severity.BLOCK,
        predicate=dropped_share,
        example={"dropped": 104, "samples": 1000, "dropout": 0.1},
        counterexample={"dropped": 0, "samples": 1000, "dropout": 0.1},
        remedy="Draw one number a sample, and drop all of its covariates where it is below the dropout.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="GUIDE-001",
        title="guided velocity",
        statement="A sample of which something is known is regressed on the guided sum, any other on e - x.",
        equation=r"\tilde v = \omega\,(e - x) + \kappa\,u(z, t, t \mid y) + (1 - \omega - \kappa)\,u(z, t, t \mid 0)",
        sources=(meanflow("section 4.2 and the appendix on improved guidance"),),
        severity=Severity.BLOCK,
        predicate=guided_sum,
        example={"difference": 1e-16},
        counterexample={"difference": 0.5},
        remedy="Add the three terms by their shares; leave samples whose covariates were dropped as they are.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="GUIDE-002",
        title="what guidance learns",
        statement="Guided learning ends at v(z, t) plus omega/(1 - kappa) times the way from it to v(z, t | y).",
        equation=r"v_g = v(z,t) + \frac{\omega}{1-\kappa}\,\bigl(v(z,t \mid y) - v(z,t)\bigr)",
        sources=(meanflow("section 4.2"), measured("tests/laws/test_law_guidance.py")),
        severity=Severity.BLOCK,
        predicate=guided_minimum,
        example={"standard_errors": 1.2},
        counterexample={"standard_errors": 60.0},
        remedy="See that the network's own velocities are taken at r = t, with and without covariates, and detached.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
)
