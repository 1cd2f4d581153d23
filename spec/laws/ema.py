"""The moving average of the weights."""

from __future__ import annotations

import math

from spec.citations import meanflow, public_code, review
from spec.law import Enforcer, Finding, Law, Severity

SHORTEST, LONGEST = 0.01, 0.15
"""Half-life as a share of the run: shorter averages nothing away, longer lags behind the weights."""
LARGEST_REMAINDER = 0.01
"""Share of the initial, untrained weights that may be left at the end."""


def half_life(decay: float) -> float:
    """Steps until a weight's share has halved, ln 2 / -ln(decay); the review's ln 2 / (1 - decay) to first order."""
    return math.log(2) / -math.log(decay)


def one_update_per_step(*, ema_updates: int, optimiser_steps: int) -> Finding:
    """Judge how often the average was updated."""
    return Finding(
        passed=bool(ema_updates == optimiser_steps),
        value=ema_updates,
        bound=f"= {optimiser_steps}",
        unit="updates",
        detail="an average updated per micro-batch forgets faster by the accumulation factor",
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
        predicate=one_update_per_step,
        example={"ema_updates": 1_875, "optimiser_steps": 1_875},
        counterexample={"ema_updates": 15_000, "optimiser_steps": 1_875},
        remedy="Update the average after the optimiser's step, in float32.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("E1", "E3", "E5"),
    ),
    Law(
        id="EMA-002",
        title="average fits the run",
        statement="The half-life is 1 % to 15 % of the run's optimiser steps; under 1 % of the first weights is left.",
        equation=r"0.01 \le n_{1/2}/T \le 0.15,\quad \beta^T < 0.01",
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
