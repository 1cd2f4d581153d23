"""The learning rate of every optimiser step."""

from __future__ import annotations

import math

from neuromf_spec.bounds import at_most, relative_difference
from neuromf_spec.citations import flow_matching, meanflow, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity
from neuromf_spec.reference.schedule import lr_multiplier

WARN_SHARE, LONG_SHARE = 30.0, 10.0
"""Per cent of the run. The longest published ramp, within one run, is 45k of 391k steps (11.5 %, Lipman et al.); the
longest of a MeanFlow run is 1.6 %. A ramp as long as the run never reaches its rate."""
MULTIPLIER_TOLERANCE = 1e-12
"""Relative: a few roundings in float64."""


def first_multiplier(*, multiplier: float, schedule: str, warmup_steps: int) -> Finding:
    """Judge the multiplier of step 0: exactly 1.0 without warm-up, and never zero."""
    expected = 1.0 if warmup_steps == 0 else 1 / warmup_steps
    passed = multiplier == expected if warmup_steps == 0 else multiplier > 0
    return Finding(
        passed=bool(passed),
        value=multiplier,
        bound=f"= {expected:.6g}" if warmup_steps == 0 else "> 0",
        detail=f"{schedule} schedule with {warmup_steps} warm-up steps; a multiplier of 0 wastes the first update",
    )


def multiplier_of_step(*, multiplier: float, step: int, total_steps: int, warmup_steps: int, schedule: str) -> Finding:
    """Judge the multiplier that optimiser step `step` (from 0) used."""
    expected = lr_multiplier(step, total_steps, warmup_steps, schedule)
    return at_most(
        relative_difference(multiplier, expected),
        MULTIPLIER_TOLERANCE,
        unit="relative",
        detail=f"step {step}: {multiplier:.9g}, closed form {expected:.9g}",
    )


def warmup_share(*, warmup_steps: int, optimiser_steps: int) -> Finding:
    """Judge the warm-up's share of the run."""
    share = 100 * warmup_steps / optimiser_steps
    longest = math.floor(LONG_SHARE / 100 * optimiser_steps)
    severity = Severity.INFO if share <= WARN_SHARE else Severity.WARN if share <= 100 else Severity.BLOCK
    return at_most(
        round(share, 9),
        LONG_SHARE,
        unit="% of the run",
        detail=(
            f"{warmup_steps:,} of {optimiser_steps:,} optimiser steps; up to {longest:,} pass, above {WARN_SHARE:g} % "
            "is warned of. It delays a divergence and causes none: at 15 % of the rate the lost run had 11 times its "
            "initial loss"
        ),
        # Zero passes whatever else is changed; `longest` would not survive a longer accumulation.
        passing_value="training.warmup_steps=0",
        severity=severity,
    )


LAWS = (
    Law(
        id="LR-001",
        title="first step counts",
        statement="A constant schedule without warm-up multiplies the rate by exactly 1.0 at step 0, and none by 0.",
        equation=r"w = 0 \implies m(0) = 1",
        sources=(review("section 5.1 and 6.1"), meanflow("Table 4, constant rate without warm-up")),
        severity=Severity.BLOCK,
        predicate=first_multiplier,
        example={"multiplier": 1.0, "schedule": "constant", "warmup_steps": 0},
        counterexample={"multiplier": 0.0, "schedule": "constant", "warmup_steps": 0},
        remedy="Ramp as (step + 1)/warmup, and only while step < warmup.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("S2",),
    ),
    Law(
        id="LR-002",
        title="learning rate in closed form",
        statement="The learning rate of every optimiser step equals the schedule's closed form.",
        equation=r"m(k) = \min\bigl(1, \tfrac{k+1}{w}\bigr);\quad \tfrac12\bigl(1+\cos\pi\tfrac{k-w}{T-w}\bigr);\quad"
        r" \tfrac{T-k}{T-w}",
        sources=(review("section 5.1 and 6.1"),),
        severity=Severity.BLOCK,
        predicate=multiplier_of_step,
        example={"multiplier": 0.5, "step": 4, "total_steps": 100, "warmup_steps": 10, "schedule": "constant"},
        counterexample={"multiplier": 0.4, "step": 4, "total_steps": 100, "warmup_steps": 10, "schedule": "constant"},
        remedy="Advance the schedule once per optimiser step, never per micro-batch or epoch.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.PROPERTY, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("S2", "S3", "S5", "C2"),
    ),
    Law(
        id="LR-003",
        title="warm-up is short",
        statement="Warm-up takes at most 10 % of the run's optimiser steps; above 30 % the gate warns.",
        equation=r"w / T \le 0.1",
        sources=(review("section 3.1, RC1 and E5"), flow_matching("Table 3")),
        severity=Severity.WARN,
        basis=Basis.DEMANDED,
        predicate=warmup_share,
        example={"warmup_steps": 187, "optimiser_steps": 1_875},
        counterexample={"warmup_steps": 5_000, "optimiser_steps": 6_750},
        remedy="Shorten training.warmup_steps, or use none.",
        enforcers=frozenset({Enforcer.STATIC}),
        kills=("S1",),
    ),
)
