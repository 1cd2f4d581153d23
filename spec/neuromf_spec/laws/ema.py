"""The moving average of the weights."""

from __future__ import annotations

import math

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import meanflow, public_code, review
from neuromf_spec.law import Enforcer, Finding, Law, Severity

SHORTEST, LONGEST = 0.001, 0.15
"""Half-life as a share of the run. The official runs have 0.4 to 0.9 %; a tenth of a per cent is told of. Above the
second, 1 % of the untrained weights is left at the end."""
TOLD = 0.1
"""A tenth of the run, the half-life that the remedy names: more is told, for the review asks for a closer average."""
LARGEST_REMAINDER = 0.01
"""Share of the initial, untrained weights that may be left at the end."""
EPSILON = {"float32": 2.0**-23, "bfloat16": 2.0**-7}
LARGEST_STALL = 0.01
"""An average that cannot come within 1 % of the weights is of no use; in bfloat16 none with beta above 0.61 can."""


def half_life(decay: float) -> float:
    """Steps until a weight's share has halved, ln 2 / -ln(decay); the review's ln 2 / (1 - decay) to first order."""
    return math.log(2) / -math.log(decay)


def stall_gap(decay: float, dtype: str) -> float:
    r"""Relative distance between average and weights below which an update rounds to nothing.

    The update moves the average by :math:`(1-\beta)` of the distance; half a unit in the last place is lost.
    """
    return EPSILON[dtype] / 2 / (1 - decay)


def average_in_steps(
    *, decay: float, optimiser_steps: int, ema_updates: int | None = None, dtype: str = "float32"
) -> Finding:
    """Judge how often the average was updated, or else whether its number type can follow the weights.

    Args:
        decay: beta.
        optimiser_steps: updates of the weights.
        ema_updates: updates of the average, where they have been counted.
        dtype: number type that the average is kept in.
    """
    if ema_updates is not None and ema_updates != optimiser_steps:
        return Finding(
            passed=False,
            value=ema_updates,
            bound=f"= {optimiser_steps}",
            unit="updates",
            detail="an average updated per micro-batch forgets faster by the accumulation factor",
        )
    largest = 1 - EPSILON["float32"] / 2 / LARGEST_STALL
    return at_most(
        100 * stall_gap(decay, dtype),
        100 * LARGEST_STALL,
        unit="% of the weights",
        detail=f"half-life {half_life(decay):.4g} optimiser steps, in {dtype}; closer to the weights it stands still",
        passing_value=f"ema.decay={largest:.6f}",
    )


def proportionate_decay(*, decay: float, optimiser_steps: int) -> Finding:
    """Judge the half-life against the run, and what is left of the initial weights."""
    share = half_life(decay) / optimiser_steps
    remainder = decay**optimiser_steps
    # 6.64 half-lives leave 1 %, so that any half-life within [1 %, 15 %] also clears the remainder (0.98 %).
    suggestion = max(1 - float(f"{1 - 2 ** (-1 / (0.075 * optimiser_steps)):.2g}"), 0.001)
    passed = SHORTEST <= share <= LONGEST and remainder < LARGEST_REMAINDER
    return Finding(
        passed=bool(passed),
        severity=Severity.INFO if share < SHORTEST or (passed and share > TOLD) else None,
        value=100 * share,
        bound=f"{100 * SHORTEST:g} .. {100 * LONGEST:g}",
        unit="% of the run",
        detail=f"half-life {half_life(decay):.4g} of {optimiser_steps:,} steps; {100 * remainder:.2g} % of the "
        "untrained weights is left at the end (below 1 % asked)",
        passing_value="" if passed else f"ema.decay={suggestion:.10g}",
    )


LAWS = (
    Law(
        id="EMA-001",
        title="average in optimiser steps",
        statement="The average follows its closed form in float32, updated once an optimiser step, not a micro-batch.",
        equation=r"\bar\theta_n = \beta^n\theta_0 + (1-\beta)\sum_{k=1}^{n}\beta^{n-k}\theta_k,\quad"
        r" n_{1/2} = \ln 2 / {-\ln\beta}",
        sources=(review("section 4.2"), public_code("latent_meanflow.py:265, update per micro-batch")),
        severity=Severity.BLOCK,
        predicate=average_in_steps,
        example={"decay": 0.995, "ema_updates": 1_875, "optimiser_steps": 1_875},
        counterexample={"decay": 0.995, "ema_updates": 15_000, "optimiser_steps": 1_875},
        remedy="Update the average after the optimiser's step, in float32, with a decay that float32 can follow.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("E1", "E3", "E5"),
    ),
    Law(
        id="EMA-002",
        title="average fits the run",
        statement="The half-life is 0.1 % to 15 % of the run's updates, and under 1 % of the first weights is left.",
        equation=r"0.001 \le n_{1/2}/T \le 0.15,\quad \beta^T < 0.01",
        sources=(
            review("section 4.2, in micro-batches; in optimiser steps 0.999 is 37 %"),
            meanflow("Table 4, EMA decay"),
        ),
        severity=Severity.WARN,
        predicate=proportionate_decay,
        example={"decay": 0.995, "optimiser_steps": 1_875},
        counterexample={"decay": 0.999, "optimiser_steps": 1_875},
        remedy="Choose a decay whose half-life is a tenth of the run or less.",
        enforcers=frozenset({Enforcer.STATIC}),
        kills=("E2",),
    ),
)
