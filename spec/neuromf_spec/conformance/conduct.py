"""How a code computes its objective, rightly or wrongly: what laws are judged against, and what a repair changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuromf_spec.conformance.declaration import Declaration

Tangent = Literal["conditional", "model", "v_head"]
Path = Literal["straight", "reversed", "added", "circle"]
"""(1-t) x + t e; t x + (1-t) e; x + t e; cos(pi t/2) x + sin(pi t/2) e."""


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """One way to compute the objective; as it comes from `conduct_of`, what the law and the declaration say.

    Attributes:
        declared: the conventions.
        path: of z.
        velocity: factor on e - x.
        guidance: `declared`; or omega (e - x) + (1 - omega) of the labelled field (`labelled`); or with omega and
            1 - omega exchanged (`exchanged`); or without guidance (`none`).
        times: what the network is shown for (r, t): those (`both`), exchanged (`swapped`), or t twice (`only_t`).
        correction: factor on (t - r) du/dt.
        interval: whether du/dt is multiplied by t - r, by 1 or by t.
        tangent: velocity that du/dt is taken along.
        guided_tangent: whether a conditional tangent has the guidance, or is e - x.
        moves: rates of (z, r, t) along which du/dt is taken, in units of (tangent, 1, 1).
        derivative: how du/dt is computed.
        detached: whether no gradient flows through du/dt.
        clamp: smallest t in the 1/t of an x-prediction.
        divided_by: time that an x-prediction is divided by, `t` or `gap`.
        power: p of the weight (L^exponent + c)^-p.
        constant: c.
        exponent: 1 in the law.
        loss_power: power of a sample's loss that is weighed, 1 in the law.
        weight_detached: whether no gradient flows through the weight.
        weight_of: whether a weight is made of its sample's loss or of the batch's mean.
        divisor: of a sample's sum of squares.
        batch_reduction: of the samples' losses.
        factor: constant on the loss.
    """

    declared: Declaration
    path: Path = "straight"
    velocity: float = 1.0
    guidance: Literal["declared", "labelled", "exchanged", "none"] = "declared"
    times: Literal["both", "swapped", "only_t"] = "both"
    correction: float = 1.0
    interval: Literal["gap", "one", "t"] = "gap"
    tangent: Tangent = "conditional"
    guided_tangent: bool = True
    moves: tuple[float, float, float] = (1.0, 0.0, 1.0)
    derivative: Literal["exact", "forward", "central"] = "exact"
    detached: bool = True
    clamp: float = 0.0
    divided_by: Literal["t", "gap"] = "t"
    power: float = 1.0
    constant: float = 1e-3
    exponent: float = 1.0
    loss_power: float = 1.0
    weight_detached: bool = True
    weight_of: Literal["sample", "batch"] = "sample"
    divisor: float = 1.0
    batch_reduction: Literal["mean", "sum"] = "mean"
    factor: float = 1.0


def conduct_of(declared: Declaration) -> Conduct:
    """What the declaration says that the code does."""
    return Conduct(
        declared=declared,
        correction=declared.correction,
        tangent=declared.tangent,
        derivative=declared.derivative,
        clamp=declared.t_min,
        power=declared.norm_p,
        constant=declared.norm_eps,
        divisor=declared.divisor(),
        batch_reduction=declared.batch_reduction,
        factor=declared.factor,
    )
