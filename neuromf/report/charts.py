"""Charts as inline SVG that reads in light and dark mode."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from neuromf.report.lines import BINS, Line, column_values
from neuromf.report.marks import ChartMark, draw_marks
from neuromf.report.svg import svg_text
from neuromf.trace.columns import CHANNELS, Row, channels_in

INK = "#8a8f98"
"""A grey with a contrast of at least 3 to 1 on white and on near-black alike."""
COLOURS = ("#2f7ed8", "#e0662b", "#2a9d5c", "#a35bd6", "#c2a300", "#d6457f", "#1b9aaa", "#8c6d46")
STYLE: Any = {"svg.fonttype": "none", "font.size": 9, "text.color": INK}


@dataclass(frozen=True)
class Frame:
    """What stands around the lines of a chart.

    Attributes:
        title: what the chart shows; read aloud, and part of the names of its parts.
        unit: label of the vertical axis.
        log: whether that axis is logarithmic.
        across: label of the horizontal axis.
        width: inches; what is drawn narrower is read larger.
        height: inches.
        marks: named vertical lines.
        bins: most bins of a line, see `lines.BINS`.
        medians: stretches whose medians are drawn bold over a line that is drawn faint; 0 for none.
        legend_below: where the lines are many and would lie under their legend.
    """

    title: str
    unit: str
    log: bool = False
    across: str = "optimiser step"
    width: float = 4.4
    height: float = 2.8
    marks: tuple[ChartMark, ...] = ()
    bins: int = BINS
    medians: int = 0
    legend_below: bool = False


def draw(lines: Sequence[Line], frame: Frame) -> str:
    """Draw lines into a frame; SVG text."""
    # The salt names clip paths and markers: two charts of one page may not share them.
    with mpl.rc_context({**STYLE, "svg.hashsalt": repr(frame)}):
        figure = Figure(figsize=(frame.width, frame.height))
        axes = figure.subplots()
        for line in lines:
            bold = line.medians(frame.medians)
            if bold is not None:
                _plot(axes, line, frame, faint=True)
            _plot(axes, bold or line, frame)
        _dress(axes, frame)
        _name(axes, [line.label for line in lines], frame)
        figure.tight_layout(pad=0.4)
        figure.set_layout_engine(None)  # or `savefig` draws everything once more, to lay out what is laid out
        if frame.marks:
            draw_marks(figure, axes, frame.marks)
        return svg_text(figure, frame.title)


@dataclass(frozen=True)
class Chart:
    """Some columns of a trace over steps.

    Attributes:
        title: heading.
        columns: trace columns drawn.
        unit: label of the vertical axis.
        log: whether that axis is logarithmic.
    """

    title: str
    columns: tuple[str, ...]
    unit: str
    log: bool = False

    def columns_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those drawn of a trace with columns of these names: of single channels, all that there are a colour for."""
        return channels_in(names)[: len(COLOURS)] if self.columns == CHANNELS else self.columns

    def svg(self, rows: Sequence[Row]) -> str:
        """Draw the chart; steps without a value are left out."""
        steps = column_values(rows, "step")
        pairs = zip(self.columns_of(rows[0]) if rows else (), COLOURS, strict=False)
        lines = [Line(steps, column_values(rows, column), column, colour) for column, colour in pairs]
        return draw(lines, Frame(self.title, self.unit, self.log))


def slice_png(image: np.ndarray, scale: int = 4) -> str:
    """An image in [0, 1] as a data URI, each pixel drawn `scale` pixels wide."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, np.kron(image, np.ones((scale, scale))), cmap="gray", vmin=0, vmax=1, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _plot(axes: Axes, line: Line, frame: Frame, *, faint: bool = False) -> None:
    shown = line.drawable(log=frame.log, bins=frame.bins)
    axes.plot(shown.x, shown.y, color=line.colour, linestyle="-" if faint else line.dashes,
              label="named" if line.label and not faint else "_", linewidth=0.7 if faint else 1.4,
              alpha=0.35 if faint else 1.0, gid=line.gid)  # fmt: skip


class _PlainLog(LogFormatter):
    """Labels the ticks that LogFormatter labels, and writes 0.7 where it writes 7e-01."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """A tick's label, empty where it has none."""
        return f"{x:g}" if super().__call__(x, pos) else ""


def _dress(axes: Axes, frame: Frame) -> None:
    axes.set_xlabel(frame.across, color=INK)
    axes.set_ylabel(frame.unit, color=INK)
    if frame.log:
        axes.set_yscale("log")
        lowest, highest = axes.get_ylim()
        if highest < 100 * lowest:  # 2 x 10^0 and 3 x 10^0 are harder to read than 2 and 3
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(_PlainLog(minor_thresholds=(2, 0.5)))
    axes.margins(x=0.02)
    axes.tick_params(colors=INK, which="both")
    for spine in axes.spines.values():
        spine.set_color(INK)
    axes.grid(color=INK, alpha=0.25, linewidth=0.5)


def _name(axes: Axes, labels: list[str], frame: Frame) -> None:
    """Make the legend, then write each label as typed: matplotlib leaves out `_x`, and reads `$x$` as mathematics."""
    named = [label for label in labels if label]
    if not named:
        return
    place: Any = {"loc": "upper center", "bbox_to_anchor": (0.45, -0.2)} if frame.legend_below else {}
    legend = axes.legend(frameon=False, labelcolor=INK, fontsize=8, ncols=3 if frame.legend_below else 2, **place)
    for text, label in zip(legend.get_texts(), named, strict=True):
        text.set(text=label, parse_math=False)


LOSS_CHARTS = (
    Chart("Raw loss", ("raw_total", "raw_fm", "raw_mf"), "squared latent per dim", log=True),
    Chart("Weighted loss and objective", ("weighted", "objective"), "no unit"),
    Chart("Raw loss by channel", CHANNELS, "squared latent per dim", log=True),
    Chart("Learning rate", ("lr",), "per step"),
)
"""What a run's report must show side by side: the raw loss, and the weighted one, which may not move."""
