"""What a network must be told, whoever wrote it."""

from __future__ import annotations

from neuromf_spec.citations import meanflow, measured
from neuromf_spec.law import Enforcer, Finding, Law, Severity


def hears_both_times(*, moved_by_t: float, moved_by_r: float) -> Finding:
    """Judge how far the output moves with each time alone, relative to its size; a network that is told it moves."""
    deaf = [name for name, moved in (("t", moved_by_t), ("r", moved_by_r)) if not moved > 0]
    return Finding(
        passed=not deaf,
        value=f"deaf to {' and '.join(deaf)}" if deaf else min(moved_by_t, moved_by_r),
        bound="> 0",
        unit="" if deaf else "relative",
        detail="an average velocity over an interval depends on both of its ends",
    )


def hears_covariates(*, moved: float) -> Finding:
    """Judge how far the output moves when all covariates are taken away, relative to its size."""
    return Finding(passed=moved > 0, value=moved, bound="> 0", unit="relative")


LAWS = (
    Law(
        id="NET-001",
        title="network is told both times",
        statement="What the network puts out depends on t and on r.",
        equation=r"\partial_t f(z, r, t) \ne 0,\quad \partial_r f(z, r, t) \ne 0",
        sources=(meanflow("section 4.1, Eq. 3 and Eq. 6"), measured("tests/unit/nets/test_own_network.py")),
        severity=Severity.BLOCK,
        predicate=hears_both_times,
        example={"moved_by_t": 0.1, "moved_by_r": 0.1},
        counterexample={"moved_by_t": 0.1, "moved_by_r": 0.0},
        remedy="Embed t and r, or t and t - r, and let every block see both.",
        enforcers=frozenset({Enforcer.RUNTIME}),
    ),
    Law(
        id="NET-002",
        title="network hears covariates",
        statement="The output of a network that is given covariates depends on them.",
        equation=r"f(z, r, t, y) \ne f(z, r, t, 0)",
        sources=(meanflow("section 4.2"), measured("tests/unit/nets/test_own_covariates.py")),
        severity=Severity.BLOCK,
        predicate=hears_covariates,
        example={"moved": 0.1},
        counterexample={"moved": 0.0},
        remedy="Embed y and add it to the embedding of the times, or leave covariates.columns empty.",
        enforcers=frozenset({Enforcer.RUNTIME}),
    ),
)
