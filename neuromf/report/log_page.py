"""Verdicts on logs of any training as one self-contained HTML page (`neuromf diagnose --report`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from neuromf.diagnosis.logs.told import headline, read_as, saved, seen
from neuromf.diagnosis.logs.verdict import Health, LogVerdict, worst
from neuromf.report.charts import COLOURS, Frame, draw
from neuromf.report.lines import Line
from neuromf.report.marks import ChartMark
from neuromf.report.page import render_page

CLASSES = {Health.HEALTHY: "pass", Health.ALARMS: "block", Health.CANNOT_TELL: "warn"}
"""Class of the page that shows a verdict."""
ALARM, BEGINNING = "#c0392b", "#6b6f76"
WIDE = 100.0
"""Factor between the largest and the smallest loss from which the axis is logarithmic."""


def log_page(verdicts: Sequence[LogVerdict]) -> str:
    """HTML text of the page; it loads nothing from anywhere."""
    return render_page("log_page.html.j2", runs=[_run(verdict) for verdict in verdicts], failed=worst(verdicts) == 1)


def _run(verdict: LogVerdict) -> dict[str, object]:
    return {
        "verdict": verdict,
        "class": CLASSES[verdict.health],
        "headline": headline(verdict),
        "read_as": read_as(verdict),
        "seen": seen(verdict),
        "saved": saved(verdict),
        "charts": [Markup(svg) for svg in _charts(verdict)],
    }


def _charts(verdict: LogVerdict) -> list[str]:
    """The loss that is judged with its alarms, and the one that was watched where that is another."""
    losses = verdict.losses
    shown = [(losses.judged, losses.loss, COLOURS[0])]
    if losses.shown != losses.judged:
        shown.append((losses.shown, losses.shown_loss, COLOURS[1]))
    charts = []
    for name, column, colour in shown:
        if column is None or len(column.steps) < 2:
            continue
        known = column.values[np.isfinite(column.values)]
        log = len(known) > 0 and bool(known.min() > 0) and bool(known.max() > WIDE * known.min())
        title = f"{name} of {verdict.log.name}"
        frame = Frame(title, name[:40], log=log, across=verdict.log.axis, marks=_marks(verdict), medians=40)
        charts.append(draw([Line(column.steps, column.values, name, colour)], frame))
    return charts


def _marks(verdict: LogVerdict) -> tuple[ChartMark, ...]:
    found = [ChartMark(alarm.step, alarm.law, ALARM, grave=alarm.stops) for alarm in verdict.alarms[:6]]
    if verdict.since is not None:
        found.append(ChartMark(verdict.since, "since", BEGINNING))
    return tuple(found)
