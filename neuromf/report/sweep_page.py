"""What a sweep found as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from neuromf.report.page import render_page
from neuromf.report.sweep_chart import differences_svg
from neuromf.sweep.arm_record import Fate
from neuromf.sweep.result import SweepResult

COLOURS = {Fate.FINISHED: "pass", Fate.DROPPED: "source", Fate.DIVERGED: "block", Fate.BLOCKED: "block",
           Fate.UNFINISHED: "warn"}  # fmt: skip
"""Class of the page that shows a fate."""


def sweep_page(result: SweepResult, sentences: Sequence[str]) -> str:
    """HTML text of the page; it loads nothing from anywhere.

    Args:
        result: what the sweep found.
        sentences: what follows from it.
    """
    base, *others = result.arms
    return render_page(
        "sweep_page.html.j2",
        result=result,
        sentences=sentences,
        chart=Markup(differences_svg(others, base, result.sweep.metric)),
        colours={fate.value: colour for fate, colour in COLOURS.items()},
    )
