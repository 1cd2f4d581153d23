"""What the network outputs, and what it must cost before it has learnt anything."""

from __future__ import annotations

from neuromf_spec.bounds import at_most, relative_difference
from neuromf_spec.citations import meanflow, measured, pixel_meanflow, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

VELOCITY_TOLERANCE = 1e-9
"""Relative, in float64: (z - x)/t and back loses at most epsilon/t_min = 4e-15."""
INITIAL_TOLERANCE = 1e-3
"""Relative, in float32: reducing 442,368 squares loses 1e-5, a bf16 forward of exact zeros nothing."""


def same_velocity(*, difference: float) -> Finding:
    """Judge how far the velocities of two parametrisations of one field lie apart, relative to their size."""
    return at_most(difference, VELOCITY_TOLERANCE, unit="relative")


def initial_loss(*, measured: float, expected: float) -> Finding:
    """Judge the raw loss of the zero-output network.

    Args:
        measured: mean raw loss of the first batch.
        expected: its closed form at that batch's x, e, r and t (`neuromf_spec.reference.initial_loss`), same unit.
    """
    return at_most(
        relative_difference(measured, expected),
        INITIAL_TOLERANCE,
        unit="relative",
        detail=f"measured {measured:.6g}, closed form {expected:.6g}; a trained model must fall below this level",
    )


def token_rank(*, prediction: str, token_dims: int, token_width: int) -> Finding:
    """Judge whether a token can carry what it has to put out.

    The velocity holds the noise, which has full rank: of a token of D numbers put out from W features through a linear
    layer, at least 1 - W/D of the noise's power is lost. Data lie near few dimensions and are not lost so.

    Args:
        prediction: what the net puts out, `u` or `x`.
        token_dims: numbers that one token, patch or position puts out.
        token_width: features from which they are put out.
    """
    if prediction != "u":
        return Finding(passed=True, value=token_dims, bound="any", unit="numbers a token")
    return at_most(
        token_dims,
        token_width / 2,
        unit="numbers a token",
        detail=f"from {token_width} features: at least {100 * max(0.0, 1 - token_width / token_dims):.3g} % of the "
        "noise cannot be put out; above half the width no published u-prediction is known here",
        severity=Severity.WARN if token_dims <= token_width else Severity.BLOCK,
    )


LAWS = (
    Law(
        id="PRED-001",
        title="x- and u-prediction agree",
        statement="Predicting x or u of one field gives the same u, continuously through t_min.",
        equation=r"u = (z_t - \hat x)/\max(t, t_{\min})",
        sources=(pixel_meanflow("x-prediction, u = (z - x)/t"), review("section 4.3")),
        severity=Severity.BLOCK,
        predicate=same_velocity,
        example={"difference": 1e-14},
        counterexample={"difference": 0.5},
        remedy="Convert with 1/max(t, t_min), with t and not t - r.",
        enforcers=frozenset({Enforcer.PROPERTY}),
        kills=("T4",),
    ),
    Law(
        id="PRED-002",
        title="loss at initialisation",
        statement="The raw loss of a network whose output is zero equals its closed form.",
        equation=r"u:\ \sigma_x^2 + 1;\quad x:\ \sigma_x^2\,\mathrm{E}[1/t^2] \text{ (FM, or tangent } u\text{)},\ "
        r"\sigma_x^2\,\mathrm{E}[r^2/t^4] \text{ (tangent } v_c\text{)}",
        sources=(
            meanflow("section 4.1, Eq. 9 and Eq. 11, at u = 0"),
            review("section 1, epoch 24 is 11 times above it"),
            measured("tests/laws/test_law_prediction.py"),
        ),
        severity=Severity.BLOCK,
        predicate=initial_loss,
        example={"measured": 2.0, "expected": 2.0},
        counterexample={"measured": 885_000.0, "expected": 2.0},
        remedy="Check latent normalisation, reduction, time sampling and clamp: each one moves this number.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("L3", "T4", "D1"),
    ),
    Law(
        id="PRED-003",
        title="velocity fits the output",
        statement="A net that puts out u has at most half as many numbers to a token as the token is wide.",
        equation=r"D_{\mathrm{token}} \le \tfrac12 W",
        sources=(pixel_meanflow("x-prediction, u = (z - x)/t"),),
        severity=Severity.WARN,
        predicate=token_rank,
        example={"prediction": "u", "token_dims": 16, "token_width": 768},
        counterexample={"prediction": "u", "token_dims": 3072, "token_width": 768},
        remedy="Let the net put out x, or make the patches smaller.",
        enforcers=frozenset({Enforcer.STATIC}),
    ),
)
