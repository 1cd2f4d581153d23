"""What stops a run: the divergence guard and non-finite numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import public_code, review
from neuromf_spec.law import Basis, Enforcer, Finding, Law, Severity

DEFAULT_THRESHOLD = 100.0
"""The review's multiple of the initial raw loss."""


def armed_guard(
    *,
    divergence_threshold: float | None,
    warn_ratio: float,
    failed_run_halted_at: int | None,
    halts_healthy_run: bool,
    monitors: bool = True,
) -> Finding:
    """Judge whether the guard can fire, and whether it does on two known curves.

    Args:
        divergence_threshold: multiple of the initial raw loss at which the run halts; None disarms.
        warn_ratio: multiple at which it warns.
        failed_run_halted_at: epoch at which its replay of the failed run halts, None for never.
        halts_healthy_run: whether its replay of a healthy run halts.
        monitors: whether the laws of a running training are judged at all.
    """
    armed = divergence_threshold is not None and warn_ratio < divergence_threshold < math.inf
    armed = armed and failed_run_halted_at is not None and not halts_healthy_run
    on = "" if monitors else "training.monitors=true"
    if armed and not monitors:
        return Finding(passed=False, value="monitors off", bound="monitors on", passing_value=on)
    return Finding(
        passed=armed,
        value="disarmed" if divergence_threshold is None else divergence_threshold,
        bound=f"> {warn_ratio:g}, finite, and reached by the failed run",
        unit="" if divergence_threshold is None else "x initial raw loss",
        detail="the public code's next run had a guard that could not fire, 500 times an average of itself",
        passing_value="" if armed else f"training.divergence_threshold={max(100.0, 10 * warn_ratio):g} {on}".strip(),
    )


def bounded_loss(*, largest: float, initial: float, divergence_threshold: float | None) -> Finding:
    """Judge the largest raw loss of a short training against its first.

    Args:
        largest: largest raw loss of a step.
        initial: raw loss of the first step, that of a network which outputs zero.
        divergence_threshold: multiple that is a divergence; 100 where the guard is disarmed.
    """
    return at_most(
        largest / initial,
        divergence_threshold or DEFAULT_THRESHOLD,
        unit="x initial raw loss",
        detail=f"largest raw loss {largest:.4g}, first {initial:.4g}; healthy smoke trainings stay below 5 times",
    )


def finite_step(*, loss: float, gradient_norm: float) -> Finding:
    """Judge the two numbers that must be finite before a step is taken."""
    return Finding(
        passed=math.isfinite(loss) and math.isfinite(gradient_norm),
        value=f"loss {loss:g}, gradient norm {gradient_norm:g}",
        bound="finite",
    )


def ranks_agree(*, verdicts: Sequence[str], resumed: Sequence[str] | None = None) -> Finding:
    """Judge the guard's words on one step, or on the same steps before and after a resume.

    Args:
        verdicts: level of each rank on one step; or of an undisturbed guard, step by step.
        resumed: levels of a guard that was saved and restored on the way, step by step.
    """
    if resumed is not None:
        apart = [step for step, (a, b) in enumerate(zip(verdicts, resumed, strict=True)) if a != b]
        value = f"apart at step {apart[0]}" if apart else f"{len(verdicts)} steps alike"
        return Finding(passed=not apart and bool(verdicts), value=value, bound="alike at every step")
    return Finding(
        passed=len(set(verdicts)) == 1,
        value=", ".join(verdicts),
        bound="one verdict",
        detail="a rank that halts alone leaves the others waiting for its gradients",
    )


LAWS = (
    Law(
        id="GUARD-001",
        title="guard is armed",
        statement="A divergence guard on the raw loss is armed, with a finite threshold above its warning.",
        equation=r"\mathrm{warn} < \mathrm{halt} < \infty",
        sources=(review("section 3.4, E4"), public_code("612bb37, a guard that cannot fire")),
        severity=Severity.POLICY,
        basis=Basis.DEMANDED,
        predicate=armed_guard,
        example={
            "divergence_threshold": 100.0,
            "warn_ratio": 10.0,
            "failed_run_halted_at": 155,
            "halts_healthy_run": False,
        },
        counterexample={
            "divergence_threshold": None,
            "warn_ratio": 10.0,
            "failed_run_halted_at": None,
            "halts_healthy_run": False,
        },
        remedy="Set training.divergence_threshold, and leave training.monitors on.",
        enforcers=frozenset({Enforcer.STATIC, Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("M3", "M4"),
    ),
    Law(
        id="GUARD-002",
        title="ranks agree",
        statement="The guard judges values summed over all ranks, and goes on from a checkpoint as if never stopped.",
        equation=r"\forall i, j:\ \mathrm{verdict}_i(k) = \mathrm{verdict}_j(k)",
        sources=(
            review("section 3.4, E4"),
            public_code("latent_meanflow.py:202, a guard on one rank's value"),
        ),
        severity=Severity.BLOCK,
        predicate=ranks_agree,
        example={"verdicts": ("halt", "halt")},
        counterexample={"verdicts": ("halt", "ok")},
        remedy="Reduce the raw loss over ranks before it is judged, and save the guard's state.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.GOLDEN}),
        kills=("M4",),
    ),
    Law(
        id="GUARD-003",
        title="smoke training stays bounded",
        statement="No step of the gate's short training has a raw loss above divergence_threshold times the first.",
        equation=r"\max_k L_k \le \mathrm{halt} \cdot L_0",
        sources=(review("section 3.4, E4"),),
        severity=Severity.BLOCK,
        predicate=bounded_loss,
        example={"largest": 12.0, "initial": 3.9, "divergence_threshold": 100.0},
        counterexample={"largest": 10_535.0, "initial": 3.9, "divergence_threshold": 100.0},
        remedy="Lower training.learning_rate, or see which other law warns.",
        enforcers=frozenset({Enforcer.RUNTIME}),
        kills=("O1",),
    ),
    Law(
        id="NUM-001",
        title="nothing advances on a non-finite number",
        statement="A non-finite loss or gradient halts every rank before optimiser, average or schedule advance.",
        equation=r"L, \|g\| \in \mathbb{R}",
        sources=(review("section 3.4, E4"), public_code("latent_meanflow.py:186, a NaN step replaced by zero")),
        severity=Severity.BLOCK,
        predicate=finite_step,
        example={"loss": 1.0, "gradient_norm": 0.5},
        counterexample={"loss": math.nan, "gradient_norm": 0.5},
        remedy="Find the first non-finite column of the trace; do not skip or replace the step.",
        enforcers=frozenset({Enforcer.PROPERTY, Enforcer.RUNTIME}),
        kills=("N3",),
    ),
)
