"""Histograms of the times t and r of a run, computed again from its configuration, which determines them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from neuromf.config.derived import run_facts
from neuromf.report.charts import Frame, draw
from neuromf.report.lines import Line
from neuromf.report.run_charts import Picture, shortened
from neuromf.report.run_facts import ReportedRun
from neuromf.training.batches.times import draw_step_times

MOST_PAIRS = 10_000
"""Pairs drawn again for one run: a quarter of a second, and a bar of the histogram is known to some 6 % of it."""
EDGES = np.linspace(0, 1, 41)


@dataclass(frozen=True)
class DrawnTimes:
    """Times of a run's samples.

    Attributes:
        t: of every sample drawn again.
        gap: t - r of those with r < t.
        note: which samples these are.
    """

    t: NDArray[np.float64]
    gap: NDArray[np.float64]
    note: str


def drawn_times(run: ReportedRun) -> DrawnTimes:
    """The pairs of a run's steps, or of evenly spread steps when the run is long."""
    batch, done = run_facts(run.config).effective_batch, len(run.trace.steps)
    wanted = min(done, max(MOST_PAIRS // batch, 1))
    steps = np.unique(np.linspace(0, done - 1, wanted).astype(int))
    pairs = [draw_step_times(run.config, int(step), 0, batch) for step in steps]
    t, r = np.concatenate([p.t_B for p in pairs]), np.concatenate([p.r_B for p in pairs])
    is_fm = np.concatenate([p.is_fm_B for p in pairs])
    which = "all" if len(steps) == done else f"{len(steps):,} evenly spread of"
    note = f"{len(t):,} pairs of {which} {done:,} steps; r = t in {100 * is_fm.mean():.1f} % of them"
    return DrawnTimes(t, (t - r)[~is_fm], note)


def time_pictures(runs: Sequence[ReportedRun], drawn: Sequence[DrawnTimes]) -> list[Picture]:
    """Histograms of t, and of t - r where it is not 0."""
    return [
        _histogram("t of all samples", "t", runs, [times.t for times in drawn]),
        _histogram("t - r of MF samples", "t - r", runs, [times.gap for times in drawn]),
    ]


def _histogram(title: str, across: str, runs: Sequence[ReportedRun], values: list[NDArray[np.float64]]) -> Picture:
    lines = [
        _outline(drawn, "" if len(runs) == 1 else shortened(run.name), run)
        for run, drawn in zip(runs, values, strict=True)
    ]
    return Picture(title, Markup(draw(lines, Frame(title, "density", across=across))))


def _outline(values: NDArray[np.float64], label: str, run: ReportedRun) -> Line:
    """Upper edge of a histogram of density."""
    counts = np.histogram(values, EDGES)[0]
    density = counts / max(len(values), 1) / np.diff(EDGES)
    return Line(np.repeat(EDGES, 2), np.r_[0, np.repeat(density, 2), 0], label, run.colour, "-", run.toggle)
