"""In which precision the quantities that cannot bear rounding are computed."""

from __future__ import annotations

from neuromf_spec.citations import meanflow, measured, public_code
from neuromf_spec.law import Enforcer, Finding, Law, Severity

WIDE = ("float32", "float64")
"""Types in which a sum of 442,368 squares and a difference of nearly equal numbers keep their meaning."""


def wide_enough(*, derivative: str, loss: str, chosen: bool = False) -> Finding:
    """Judge the number types of a step.

    Args:
        derivative: type in which the network is evaluated for du/dt.
        loss: type in which the squared error is reduced.
        chosen: whether the derivative's type is set by name, so that no other method would change it.
    """
    remedy = "meanflow.derivative_precision=fp32" if chosen else "meanflow.jvp=exact meanflow.fd_step=null"
    narrow = [f"{name} in {kind}" for name, kind in (("du/dt", derivative), ("loss", loss)) if kind not in WIDE]
    return Finding(
        passed=not narrow,
        value="; ".join(narrow) or f"du/dt in {derivative}, loss in {loss}",
        bound=" or ".join(WIDE),
        detail="bf16 keeps 8 bits: its du/dt is off by half even where nothing is subtracted; half-precision sums of "
        "squares overflow at 65,504",
        passing_value=remedy if narrow else "",
    )


LAWS = (
    Law(
        id="PREC-001",
        title="float32 island",
        statement="The derivative is evaluated and losses are reduced in float32 or wider, whatever the precision.",
        equation=r"\mathrm{dtype}(du/dt),\ \mathrm{dtype}(L) \in \{\mathrm{f32}, \mathrm{f64}\}",
        sources=(
            meanflow("section 4.1, Eq. 8"),
            public_code("jvp_strategies.py:152, step 1e-3 under bf16"),
            measured("tests/laws/test_law_precision.py"),
        ),
        severity=Severity.BLOCK,
        predicate=wide_enough,
        example={"derivative": "float32", "loss": "float32"},
        counterexample={"derivative": "bfloat16", "loss": "float32"},
        remedy="Take the derivative exactly, outside autocast, or train in float32.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("J3",),
    ),
)
