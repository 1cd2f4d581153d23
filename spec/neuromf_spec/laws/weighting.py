"""The adaptive weight: its formula, its unit, and what may be reported of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from neuromf_spec.bounds import at_most, relative_difference
from neuromf_spec.citations import meanflow, public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

WEIGHT_TOLERANCE = 1e-6
"""Relative, in float32: pow(x, -p) with p <= 2 is within 8 epsilons = 9.5e-7 of the float64 value."""
REDUCTION_TOLERANCE = 1e-9
"""Relative, in float64: sums of at most 442,368 squares agree to 1e-12."""


def adaptive_weight(*, weight: float, loss: float, norm_eps: float, norm_p: float) -> Finding:
    """Judge a weight against (L + c)^-p."""
    return at_most(relative_difference(weight, (loss + norm_eps) ** -norm_p), WEIGHT_TOLERANCE, unit="relative")


def equivalent_norm_eps(reduction: str, norm_eps: float, dims: int) -> float:
    """The c that gives the same weighting, up to one global factor, under the other reduction."""
    return norm_eps * dims if reduction == "mean" else norm_eps / dims


def named_reduction(
    *, reduction: str, norm_eps: float, norm_p: float, dims: int, weighted_ratio: float | None = None
) -> Finding:
    """Judge the unit of the loss that c is compared with.

    Args:
        reduction: `mean` or `sum` over dims.
        norm_eps: c in the unit of the reduced loss.
        norm_p: p.
        dims: D, numbers in one latent.
        weighted_ratio: where measured, the weighted SUM loss at c over the weighted MEAN loss at c/D.
    """
    other = {"mean": "sum", "sum": "mean"}.get(reduction, "")
    detail = f"norm_eps {norm_eps:g} here is {equivalent_norm_eps(reduction, norm_eps, dims):.4g} under {other}"
    if not other or weighted_ratio is None:
        passing_value = "" if other else "meanflow.reduction=mean"
        return Finding(
            passed=bool(other), value=reduction, bound="mean or sum", detail=detail, passing_value=passing_value
        )
    gap = relative_difference(weighted_ratio, float(dims) ** (1 - norm_p))
    return at_most(gap, REDUCTION_TOLERANCE, unit="relative", detail=detail)


def strictly_rising(*, values: Sequence[float]) -> Finding:
    """Judge a reported quantity, evaluated at rising raw losses."""
    steps = [later - earlier for earlier, later in pairwise(values)]
    return Finding(
        passed=bool(steps) and all(step > 0 for step in steps),
        value=min(steps, default=0.0),
        bound="> 0",
        detail="smallest increase between neighbouring losses",
    )


LAWS = (
    Law(
        id="WGT-001",
        title="adaptive weight",
        statement="The weight is (L + c)^-p of the sample's own detached loss, and so is the factor on its gradient.",
        equation=r"\tilde L = L / \mathrm{sg}[(L + c)^p],\quad \nabla\tilde L = (L + c)^{-p}\,\nabla L",
        sources=(meanflow("section 4.3 and appendix B.2, Eq. 22"), review("section 2 and 5.2")),
        severity=Severity.BLOCK,
        predicate=adaptive_weight,
        example={"weight": 0.5, "loss": 1.0, "norm_eps": 1.0, "norm_p": 1.0},
        counterexample={"weight": 0.5, "loss": 3.0, "norm_eps": 1.0, "norm_p": 1.0},
        remedy="Compute the weight from the detached per-sample loss and raise L + c, not L, to -p.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN}),
        kills=("L1", "L5"),
    ),
    Law(
        id="WGT-003",
        title="reduction is named",
        statement="The reduction is named, for summing with c is D^(1-p) times averaging with c/D and nothing else.",
        equation=r"\tilde L_{\mathrm{sum}}(c) = D^{1-p}\,\tilde L_{\mathrm{mean}}(c/D)",
        sources=(
            review("section 2, mixes a per-voxel mean with a per-sample sum"),
            public_code("lp_loss.py:41, sum over 442,368 dims"),
        ),
        severity=Severity.BLOCK,
        predicate=named_reduction,
        example={"reduction": "sum", "norm_eps": 0.01, "norm_p": 1.0, "dims": 442_368},
        counterexample={"reduction": "sum", "norm_eps": 1.0, "norm_p": 0.5, "dims": 100, "weighted_ratio": 1.0},
        remedy="Name meanflow.reduction and give norm_eps in its unit.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY}),
        kills=("L3", "L4"),
    ),
    Law(
        id="WGT-004",
        title="reported objective rises with the loss",
        statement="The reported objective is strictly monotone in the raw loss, in float32, from 1e-3 to 1e12.",
        equation=r"\Phi(L) = \log(1 + L/c)\ (p = 1),\quad \tfrac{(L+c)^{1-p} - c^{1-p}}{1-p}\ (p \ne 1)",
        sources=(review("section 1, loss_mean 2.0 and loss_std 0.0 for 225 epochs"), meanflow("appendix B.2, Eq. 22")),
        severity=Severity.BLOCK,
        predicate=strictly_rising,
        example={"values": (0.5, 1.0, 3.0)},
        counterexample={"values": (0.99999, 1.0, 1.0)},
        remedy="Report the potential of the weighted loss; it has the same gradient.",
        enforcers=frozenset({Enforcer.PROPERTY}),
        kills=("M1",),
    ),
)
