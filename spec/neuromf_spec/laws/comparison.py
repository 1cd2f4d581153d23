"""When two traces are of one run."""

from __future__ import annotations

from neuromf_spec.citations import measured
from neuromf_spec.law import Enforcer, Finding, Law, Severity


def verdict_of_cells(*, passed: bool, beyond: int, not_finite: int, misplaced: int) -> Finding:
    """Judge a verdict on two traces.

    Args:
        passed: whether the traces were said to agree.
        beyond: cells that are not within their tolerance.
        not_finite: cells that are NaN or infinite in either.
        misplaced: steps and columns that are missing, added, repeated or out of order.
    """
    amiss = beyond + not_finite + misplaced
    return Finding(
        passed=passed == (amiss == 0),
        value="agree" if passed else "differ",
        bound="agree" if amiss == 0 else "differ",
        unit=f"for {beyond} cells beyond tolerance, {not_finite} not finite, {misplaced} steps or columns misplaced",
    )


LAWS = (
    Law(
        id="CMP-001",
        title="no cell is forgiven",
        statement="Traces agree where every cell of every step is finite and within its tolerance, and nowhere else; "
        "the first cell that is not is named.",
        equation=r"\forall k, c:\ |a_{kc} - g_{kc}| \le \mathrm{atol}_c + \mathrm{rtol}_c\, |g_{kc}|",
        sources=(measured("tests/laws/test_law_comparison.py"),),
        severity=Severity.BLOCK,
        predicate=verdict_of_cells,
        example={"passed": False, "beyond": 1, "not_finite": 0, "misplaced": 0},
        counterexample={"passed": True, "beyond": 0, "not_finite": 1, "misplaced": 0},
        remedy="Compare cell by cell, so that NaN fails, and forgive no share of them.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
)
