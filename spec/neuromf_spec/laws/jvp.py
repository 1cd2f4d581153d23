"""The total time derivative du/dt: right, detached, and of bounded size."""

from __future__ import annotations

from neuromf_spec.bounds import at_most, told_where
from neuromf_spec.citations import improved_meanflow, meanflow, measured, public_code, published, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

DERIVATIVE_TOLERANCE = 1e-6
"""Relative; central differences in float64 with step 1e-5 are within 3e-9 on the randomised U-Net."""
SINGLE_TOLERANCE = 0.02
"""Relative, where a network computes in float32 inside: of the best of four steps rounding leaves 1e-3 on small nets
(measured, tests/unit/nets/test_own_network.py), and a tangent that is lost somewhere changes tens of per cents."""
GRADIENT_TOLERANCE = 1e-9
"""Relative, in float64: hand-computed and automatic gradients agree to 1e-15 on the bilinear net."""
LARGEST_TEMPORAL_RATIO = 10.0
"""Three times the rate at which u turns along the path itself, 3.1 (measured on the randomised U-Net)."""
SLOW_TIME_SCALE, LARGEST_TIME_SCALE = 10.0, 222.0
"""At the first d_t u is a seventh of what the path adds to du/dt; at the second, 10/0.045, the ratio is reached."""
FAST_FIELDS = (
    "At 1000 the replays here explode while the flow-matching loss falls, and train at 1. Of eight published runs at "
    "1000 with an exact derivative four failed; with a finite difference all did"
)
LARGEST_CORRECTION = 3.0


def derivative_error(*, error: float, double: bool = True) -> Finding:
    """Judge ||du/dt - reference|| / ||reference||, of a network in float64 or one that knows float32 alone."""
    return at_most(error, DERIVATIVE_TOLERANCE if double else SINGLE_TOLERANCE, unit="relative")


def gradient_error(*, error: float) -> Finding:
    """Judge ||grad - analytic|| / ||analytic|| of the loss with a detached target."""
    return at_most(error, GRADIENT_TOLERANCE, unit="relative")


def temporal_ratio(
    *,
    time_scale: float | None = None,
    measured_ratio: float | None = None,
    method: str = "exact",
    softened_by: tuple[str, ...] = (),
) -> Finding:
    """Judge how fast the field moves with t alone: as a run has measured it, else by the scale of the time embedding.

    Args:
        time_scale: factor on t before the embedding, the rate of its fastest component. The U-Net with random weights
            passes 1/22 of it on (measured 0.045, 0.45, 4.5, 45 at scale 1, 10, 100, 1000).
        measured_ratio: ||d_t u|| / ||u|| in 1/t.
        method: how du/dt is computed, `exact` or `finite_difference`.
        softened_by: what is known to bear a fast field: a tangent that is clipped or normalised, QK normalisation.
    """
    value, bound, unit = (
        (measured_ratio, LARGEST_TEMPORAL_RATIO, "per unit of t")
        if time_scale is None
        else (time_scale, LARGEST_TIME_SCALE, "time scale")
    )
    assert value is not None
    severity = Severity.BLOCK if method != "exact" else Severity.INFO if softened_by else Severity.WARN
    soft = f"; softened by {', '.join(softened_by)}, as in those that did not; on the torus here it was not enough"
    finding = at_most(
        value,
        bound,
        unit=unit,
        detail=f"du/dt carries this rate into the target. {FAST_FIELDS}{soft if softened_by else ''}",
        passing_value="unet.time_scale=1.0",
        severity=severity,
    )
    return told_where(finding, time_scale is not None and not time_scale <= SLOW_TIME_SCALE)


def correction_size(*, rho: float) -> Finding:
    """Judge rho = ||(t - r) du/dt|| / (||u|| + ||v||), at most 1 wherever the identity holds."""
    return at_most(rho, LARGEST_CORRECTION, detail="at an exact solution (t - r) du/dt = v - u, so that rho <= 1")


LAWS = (
    Law(
        id="JVP-001",
        title="derivative is right",
        statement="The derivative du/dt along (v, 0, 1) equals central differences and the hand-computed value.",
        equation=r"\tfrac{du}{dt} = \partial_z u \cdot v + \partial_t u",
        sources=(meanflow("section 4.1, Eq. 8"),),
        severity=Severity.BLOCK,
        predicate=derivative_error,
        example={"error": 1e-8},
        counterexample={"error": 0.48},
        remedy="Differentiate the field forward along (v, 0, 1) with nothing detached inside.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("J1", "J2", "J7"),
    ),
    Law(
        id="JVP-002",
        title="target is detached",
        statement="No gradient flows through du/dt: the loss's gradient is that of u against a constant target.",
        equation=r"\nabla_\theta L = \tfrac{2}{B}\sum_i w_i\,(\partial_\theta u_i)^{\!\top}(V_i - v_{c,i})",
        sources=(
            meanflow("section 4.1, Eq. 9 and Eq. 10, stop-gradient"),
            improved_meanflow("stop-gradient in the compound velocity V"),
        ),
        severity=Severity.BLOCK,
        predicate=gradient_error,
        example={"error": 1e-15},
        counterexample={"error": 1.0},
        remedy="Evaluate du/dt without gradient, or detach it before it enters the target.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN}),
        kills=("L1", "L2"),
    ),
    Law(
        id="JVP-005",
        title="bounded time derivative",
        statement="The field changes with t at a rate of at most 10, reached at a time embedding of scale 222.",
        equation=r"\|\partial_t u\| / \|u\| \approx 0.045\,s \le 10,\quad \sup_t |\tfrac{d}{dt}\cos(s\,t)| = s",
        sources=(
            public_code("maisi_unet.py:31, _TIME_SCALE = 1000.0"),
            measured("tests/laws/test_law_finite_difference.py"),
            published("haidog-yaqub/MeanFlow#7, time scale 1000"),
        ),
        severity=Severity.WARN,
        basis=Basis.REPLAYED,
        predicate=temporal_ratio,
        example={"time_scale": 1.0},
        counterexample={"time_scale": 1000.0},
        remedy="Feed t and t - r to the embedding unscaled.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.RUNTIME}),
    ),
    Law(
        id="JVP-006",
        title="correction stays in proportion",
        statement="The correction (t - r) du/dt is no larger than u and v together; above 3 times that it runs away.",
        equation=r"\rho = \|(t-r)\tfrac{du}{dt}\| / (\|u\| + \|v\|) \le 1 \text{ where } u = v - (t-r)\tfrac{du}{dt}",
        sources=(meanflow("section 4.1, Eq. 6, triangle inequality"), review("section 1, raw loss 4,808 times up")),
        severity=Severity.WARN,
        predicate=correction_size,
        example={"rho": 1.0},
        counterexample={"rho": 30.0},
        remedy="Stop and check the derivative: its method, precision and the scale of the time embedding.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("J1", "J3"),
    ),
)
