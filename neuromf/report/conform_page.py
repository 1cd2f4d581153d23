"""The verdict on another code as one self-contained HTML page (`neuromf conform --report`)."""

from __future__ import annotations

from neuromf_spec.conformance.verdict import Status
from neuromf_spec.registry import law

from neuromf.conform.verdict import ORDER, ConformVerdict
from neuromf.report.page import render_page

COLOURS = {
    Status.FALLS: "block",
    Status.UNEXPLAINED: "block",
    Status.CANNOT_RUN: "warn",
    Status.DECLARED: "waived",
    Status.HOLDS: "pass",
    Status.NOT_APPLICABLE: "source",
}
"""Class of the page that shows a status."""


def conform_page(verdict: ConformVerdict) -> str:
    """HTML text of the page; it loads nothing from anywhere.

    Args:
        verdict: what the laws say of the code.
    """
    return render_page(
        "conform_page.html.j2",
        verdict=verdict,
        counts={status.value: len(verdict.with_status(status)) for status in ORDER},
        results=[result for status in ORDER for result in verdict.with_status(status)],
        colours={status.value: colour for status, colour in COLOURS.items()},
        laws={result.law_id: law(result.law_id) for result in verdict.results},
    )
