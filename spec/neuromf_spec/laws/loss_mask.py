"""What a loss may leave out: blocks of cells, the same in each of its terms."""

from __future__ import annotations

from collections.abc import Mapping

from neuromf_spec.bounds import at_most
from neuromf_spec.citations import measured
from neuromf_spec.law import Enforcer, Finding, Law, Severity

MASK_TOLERANCE = 1e-12
"""Relative, in float64: a mean over all masks, and a gradient cell by cell, differ from theirs in rounding alone."""


def unbiased_mask(*, difference: float) -> Finding:
    """Judge how far the mean of the masked loss over all masks is from the whole loss, relative to it."""
    return at_most(difference, MASK_TOLERANCE, unit="relative")


def terms_masked_alike(*, deviations: Mapping[str, float]) -> Finding:
    """Judge each term's gradient with respect to what the network puts out.

    Args:
        deviations: by term, how far its gradient is from the mask's weight times that of the whole loss, relative to
            the latter's largest.
    """
    broken = [name for name, deviation in deviations.items() if not deviation <= MASK_TOLERANCE]
    worst = deviations[broken[0]] if broken else max(deviations.values(), default=float("nan"))
    detail = f"not masked as drawn: {', '.join(broken)}" if broken else ""
    return at_most(worst, MASK_TOLERANCE, unit="relative", detail=detail)


LAWS = (
    Law(
        id="MASK-001",
        title="a mask leaves the mean alone",
        statement="A loss that leaves out blocks of cells is, in the mean over all masks, the loss of all cells.",
        equation=r"\mathbb{E}_m \sum_i m_i \ell_i = \sum_i \ell_i,\quad m_i \in \{0, N/(N-k)\}",
        sources=(measured("tests/laws/test_law_loss_mask.py"),),
        severity=Severity.BLOCK,
        predicate=unbiased_mask,
        example={"difference": 1e-16},
        counterexample={"difference": 0.25},
        remedy="Multiply the error of the kept cells by all blocks over kept blocks, whatever the blocks' sizes.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
    Law(
        id="MASK-002",
        title="one mask for all terms",
        statement="Each term of a masked loss leaves out the same cells, in every channel, a second head's term too.",
        equation=r"\partial L^{(k)}/\partial o_i = m_i\,\partial L^{(k)}_{\text{all}}/\partial o_i"
        r" \text{ for each term } k",
        sources=(measured("tests/laws/test_law_loss_mask.py"),),
        severity=Severity.BLOCK,
        predicate=terms_masked_alike,
        example={"deviations": {"velocity": 0.0, "v_head": 1e-16}},
        counterexample={"deviations": {"velocity": 0.0, "v_head": 1.0}},
        remedy="Draw one mask a sample and multiply the error of each term by it before the reduction.",
        enforcers=frozenset({Enforcer.PROPERTY}),
    ),
)
