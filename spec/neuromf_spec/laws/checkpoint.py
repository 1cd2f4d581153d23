"""What an interruption may change: nothing."""

from __future__ import annotations

from collections.abc import Collection

from neuromf_spec.citations import measured, public_code
from neuromf_spec.law import Enforcer, Finding, Law, Severity

NAMED = 3
"""Tensors that a finding names."""


def unchanged_by_interruption(*, differing: Collection[str]) -> Finding:
    """Judge the artefacts of an interrupted and resumed run that differ from those of an undisturbed one."""
    return Finding(
        passed=not differing,
        value=", ".join(sorted(differing)) or "none",
        bound="none",
        unit="differing artefacts",
    )


def same_weights(*, differing: Collection[str]) -> Finding:
    """Judge the tensors of a run's first weights that are not, bit for bit, those whose hash the run recorded."""
    return Finding(
        passed=not differing,
        value=", ".join(sorted(differing)[:NAMED]) or "none",
        bound="none",
        unit="differing tensors",
        detail=f"{len(differing)} tensors differ" if differing else "",
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
        enforcers=frozenset({Enforcer.GOLDEN, Enforcer.RUNTIME}),
        kills=("C1", "C2", "C3"),
    ),
    Law(
        id="CKPT-002",
        title="a start is the one recorded",
        statement="A run that starts from another's weights starts from those whose hash it recorded, bit for bit.",
        equation=r"\mathrm{sha256}(\theta_0) = \mathrm{recorded}",
        sources=(measured("tests/unit/training/test_initial_weights.py"),),
        severity=Severity.BLOCK,
        predicate=same_weights,
        example={"differing": ()},
        counterexample={"differing": ("backbone.out.2.conv.weight",)},
        remedy="Load every tensor whole, in its own type, before anything else touches the network.",
        enforcers=frozenset({Enforcer.RUNTIME}),
    ),
)
