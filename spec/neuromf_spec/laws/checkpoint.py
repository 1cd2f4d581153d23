"""What an interruption may change: nothing."""

from __future__ import annotations

from collections.abc import Collection

from neuromf_spec.citations import public_code
from neuromf_spec.law import Enforcer, Finding, Law, Severity


def unchanged_by_interruption(*, differing: Collection[str]) -> Finding:
    """Judge the artefacts of an interrupted and resumed run that differ from those of an undisturbed one."""
    return Finding(
        passed=not differing,
        value=", ".join(sorted(differing)) or "none",
        bound="none",
        unit="differing artefacts",
    )


LAWS = (
    Law(
        id="CKPT-001",
        title="resume is exact",
        statement="A run that is stopped or killed and resumed ends in the same bytes as one left alone.",
        equation=r"\theta_{k} \circ \mathrm{resume} \circ \theta_{k} = \theta_{2k}",
        sources=(public_code("diagnostics.py:139, history lost on resume and no random state saved"),),
        severity=Severity.BLOCK,
        predicate=unchanged_by_interruption,
        example={"differing": ()},
        counterexample={"differing": ("ema.safetensors", "trace.csv")},
        remedy="Save what the next step depends on, and draw randomness from seed, step and sample alone.",
        enforcers=frozenset({Enforcer.GOLDEN}),
        kills=("C1", "C2", "C3"),
    ),
)
