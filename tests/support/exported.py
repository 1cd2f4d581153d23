"""What the exported run of the tests says of itself."""

from __future__ import annotations

from pathlib import Path

from neuromf.evaluation.metrics.bootstrap import Interval
from neuromf.evaluation.result import Judged, LawVerdict, MeasuredRow, SampleEvaluation

STEP = 6
GATE = "PASS; waived: OPT-001"
SWD = 0.1875


def evaluated(run: Path) -> SampleEvaluation:
    """An evaluation with one measure and one verdict."""
    rows = [MeasuredRow("1 evaluation", 1, {"swd": Interval(SWD, 0.125, 0.25)}), MeasuredRow("scans", None, {})]
    verdict = LawVerdict("EVAL-004", "no copies", Judged.HOLDS, 1, "0.97 (0.94 to 1)", ">= 0.8", "far", "")
    return SampleEvaluation(
        run, "averaged weights", STEP, 64, 0, ("validation",), 9, 9, 36, ("demo", "demo"), rows, [verdict], [], 1.5
    )
