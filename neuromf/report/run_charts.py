"""The charts of a report, each with all runs in it.

Raw and weighted loss are drawn in four versions: log and linear axis, for a wide and for a narrow screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neuromf.report.charts import COLOURS, INK, LOSS_CHARTS, Chart, Frame, draw
from neuromf.report.lines import BINS, Line, legend_line
from neuromf.report.marks import ChartMark
from neuromf.report.run_facts import ChartedRun, ReportedRun
from neuromf.watch.event_log import HALT, alarms

DASHES = ("-", "--", ":", "-.")
"""Tell the columns of one run apart, where its colour stands for the run."""
MEDIANS = 60
"""Stretches of a run whose medians are drawn bold: one step of a MeanFlow loss has a long tail."""
MARK_COLOURS = {"warn": "#c77d00", "halt": "#d64545"}
LOSS = Chart("Raw loss and weighted loss", ("raw_total", "weighted"), "loss", log=True)
LOSS_NAMES = {"raw_total": "raw loss", "weighted": "weighted loss"}
DETAILS = (
    Chart("Raw loss of FM and MF samples", ("raw_fm", "raw_mf"), "squared latent per dim", log=True),
    LOSS_CHARTS[2],
    LOSS_CHARTS[1],
    Chart("Gradient norm before the clip", ("grad_norm",), "global norm", log=True),
    LOSS_CHARTS[3],
    Chart("EMA gap", ("ema_gap",), "|average - weights| / |weights|", log=True),
    Chart("rho: share of the correction", ("rho",), "|(t-r) du/dt| / (|u|+|v|)", log=True),
)


@dataclass(frozen=True)
class Picture:
    """One chart of the page.

    Attributes:
        title: above it.
        svg: the chart.
        classes: classes of its figure: which switch shows it.
    """

    title: str
    svg: Markup
    classes: str = ""


def loss_pictures(runs: Sequence[ChartedRun]) -> list[Picture]:
    """Raw and weighted loss with the alarms: on a log and on a linear axis, for a wide and for a narrow screen."""
    lines, marks = chart_lines(runs, LOSS.columns, LOSS_NAMES), _alarm_marks(runs)
    bins = _bins(runs)
    return [
        Picture(LOSS.title, Markup(draw(lines, Frame(f"{LOSS.title}, {scale}, {screen}", LOSS.unit, scale == "log",
                width=width, height=height, marks=marks, bins=bins, medians=MEDIANS))), f"{scale} {screen}")
        for scale in ("log", "linear")
        for screen, width, height in (("wide", 9.6, 3.7), ("narrow", 3.9, 4.0))
    ]  # fmt: skip


def metric_pictures(runs: Sequence[ChartedRun]) -> list[Picture]:
    """Every other column of loops of the user's own, a chart each."""
    names = dict.fromkeys(name for run in runs for name in run.trace.numbers)
    charts = [Chart(name, (name,), "in its own unit") for name in names if name not in ("step", *LOSS.columns)]
    return [_picture(chart, chart_lines(runs, chart.columns), _bins(runs)) for chart in charts]


def detail_pictures(runs: Sequence[ReportedRun]) -> list[Picture]:
    """The other columns of the traces, without that of the average where no run keeps one."""
    kept = any(run.config.ema.decay is not None for run in runs)
    charts = [chart for chart in DETAILS if kept or "ema_gap" not in chart.columns]
    drawn = [(chart, max((chart.columns_of(run.trace.columns) for run in runs), key=len)) for chart in charts]
    return [_picture(chart, chart_lines(runs, columns), _bins(runs)) for chart, columns in drawn]


def chart_lines(runs: Sequence[ChartedRun], columns: Sequence[str], names: dict[str, str] | None = None) -> list[Line]:
    """Lines of some columns: coloured by column in a report of one run, by run in one of several."""
    names = names or {}
    alone = len(runs) == 1
    lines = [
        Line(
            run.values("step"),
            run.values(column),
            names.get(column, column) if alone else "",
            COLOURS[place] if alone else run.colour,
            "-" if alone else DASHES[place % len(DASHES)],
            f"{run.toggle} {column}",
        )
        for run in runs
        for place, column in enumerate(columns)
        if column in run.trace.columns  # runs may differ in their latents' channels
    ]
    return lines if alone else [*lines, *_legend(runs, columns, names)]


def _legend(runs: Sequence[ChartedRun], columns: Sequence[str], names: dict[str, str]) -> list[Line]:
    """Runs by colour, then columns by dashes where there is more than one."""
    entries = [legend_line(shortened(run.name), run.colour) for run in runs]
    if len(columns) > 1:
        entries += [
            legend_line(names.get(column, column), INK, DASHES[place % len(DASHES)])
            for place, column in enumerate(columns)
        ]
    return entries


def shortened(name: str, length: int = 22) -> str:
    """A name short enough for the chart; its end is kept, which distinguishes runs better than its beginning."""
    return name if len(name) <= length else "…" + name[1 - length :]


def _alarm_marks(runs: Sequence[ChartedRun]) -> tuple[ChartMark, ...]:
    """The first alarm of each law and level of each run."""
    first: dict[tuple[int, str, str], ChartMark] = {}
    for run in runs:
        for event in alarms(run.events):
            level = "halt" if event.level == HALT else "warn"
            colour = MARK_COLOURS[level] if len(runs) == 1 else run.colour
            mark = ChartMark(float(event.step), event.law or level, colour, run.toggle, grave=level == "halt")
            first.setdefault((run.index, event.law, level), mark)
    return tuple(dict.fromkeys(first.values()))


def _bins(runs: Sequence[ChartedRun]) -> int:
    """Fewer for more runs, so that a page of many long runs stays light."""
    return max(80, BINS // len(runs))


def _picture(chart: Chart, lines: list[Line], bins: int) -> Picture:
    frame = Frame(chart.title, chart.unit, chart.log, bins=bins, medians=MEDIANS)
    return Picture(chart.title, Markup(draw(lines, frame)))
