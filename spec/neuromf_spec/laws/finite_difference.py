"""How wrong a finite difference of du/dt is, before it is computed."""

from __future__ import annotations

import cmath
import math

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import measured, public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

LARGEST_ERROR = 0.01
SPATIAL_RATE = 10.0
"""Rate at which u turns along the path itself, in 1/t: measured 7.9 to 10.4 on the randomised U-Net at scale 1."""
SPATIAL_DERIVATIVE = 3.1
"""||d_z u v|| / ||u||, measured 3.0 to 3.7."""
TEMPORAL_DERIVATIVE = 0.045
"""||d_t u|| / ||u|| per unit of time scale, measured 0.041 to 0.048."""
EVALUATION_NOISE = {"fp32": 2.2e-6, "bf16": 1.9e-2}
"""Rounding noise of the difference of two evaluations relative to ||u||: 18 and 2.4 machine epsilons, measured."""


def truncation_error(rate: float, step: float) -> float:
    r"""Relative error of a forward difference on a mode that turns at `rate`: :math:`|(e^{iwh}-1)/(iwh) - 1|`."""
    angle = 1j * rate * step
    return abs((cmath.exp(angle) - 1) / angle - 1)


def rounding_error(time_scale: float, step: float, precision: str) -> float:
    r"""Relative error from rounding: noise over :math:`h\,\kappa`, with kappa = ||du/dt|| / ||u|| at this scale."""
    kappa = math.hypot(SPATIAL_DERIVATIVE, TEMPORAL_DERIVATIVE * time_scale)
    return EVALUATION_NOISE[precision] / (step * kappa)


def difference_error(
    *, method: str, step: float | None, time_scale: float, precision: str, measured_error: float | None = None
) -> Finding:
    """Judge the relative error of du/dt: the measured one where there is one, else the predicted.

    The model holds to a factor 2 on the randomised U-Net for scales 1 to 1000, steps 1e-4 to 1e-2, both precisions:
    `spec/finite_difference.csv` holds the errors side by side.

    Args:
        method: `exact` or `finite_difference`.
        step: h, with finite_difference.
        time_scale: factor on t before the embedding, whose fastest component turns at that rate.
        precision: `fp32` or `bf16`, of the network's evaluation.
        measured_error: ||du/dt - exact|| / ||exact|| of the derivative in use, when a run has measured it.
    """
    if measured_error is not None:
        detail = f"{method} derivative against the exact one in float32, on a real batch and randomised weights"
        return _judge(measured_error, detail)
    if method == "exact":
        return _judge(0.0, "forward-mode derivative, no step")
    if step is None or not step > 0:
        return Finding(passed=False, value="no step", bound="> 0", passing_value="meanflow.fd_step=0.001")
    truncation = truncation_error(max(time_scale, SPATIAL_RATE), step)
    rounding = rounding_error(time_scale, step, precision)
    detail = (
        f"truncation {100 * truncation:.2g} % and {precision} rounding {100 * rounding:.2g} % at step {step:g}, time "
        f"scale {time_scale:g}; subtracting in float32 does not help, the outputs are rounded before it"
    )
    return _judge(math.hypot(truncation, rounding), detail)


def _judge(error: float, detail: str) -> Finding:
    return at_most(
        100 * error,
        100 * LARGEST_ERROR,
        unit="% of du/dt",
        detail=detail,
        passing_value="meanflow.jvp=exact meanflow.fd_step=null",
    )


LAWS = (
    Law(
        id="JVP-003",
        title="finite difference is accurate",
        statement="A finite difference of du/dt is allowed only where its predicted error is at most 1 %.",
        equation=r"\Bigl|\tfrac{e^{i\omega h}-1}{i\omega h}-1\Bigr| \oplus \tfrac{\epsilon}{h\,\kappa} \le 10^{-2}",
        sources=(
            review("section 3.3 and 4.1, O(delta) bias and O(1/delta) noise"),
            public_code("jvp_strategies.py:152, step 1e-3 under bf16"),
            measured("tests/laws/test_law_finite_difference.py"),
        ),
        severity=Severity.BLOCK,
        predicate=difference_error,
        example={"method": "finite_difference", "step": 1e-3, "time_scale": 1.0, "precision": "fp32"},
        counterexample={"method": "finite_difference", "step": 1e-3, "time_scale": 1000.0, "precision": "bf16"},
        remedy="Take the derivative exactly, in forward mode.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("J3", "J4"),
    ),
)
