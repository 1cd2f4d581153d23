"""Charts of a trace as inline SVG that reads in light and dark mode."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuromf.trace.columns import Row

INK = "#8a8f98"
"""A grey with a contrast of at least 3 to 1 on white and on near-black alike."""
COLOURS = ("#2f7ed8", "#e0662b", "#2a9d5c", "#a35bd6", "#c2a300")
STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "neuromf", "font.size": 9, "text.color": INK}


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

    def svg(self, rows: list[Row]) -> str:
        """Draw the chart; steps without a value are left out."""
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(5.4, 2.9))
            figure.patch.set_alpha(0)
            axes = figure.subplots()
            for column, colour in zip(self.columns, COLOURS, strict=False):
                points = _points(rows, column, self.log)
                axes.plot([x for x, _ in points], [y for _, y in points], color=colour, label=column, linewidth=1.6)
            _dress(axes, self)
            figure.tight_layout()
            return _svg_text(figure)


def slice_png(image: np.ndarray, scale: int = 4) -> str:
    """An image in [0, 1] as a data URI, each pixel drawn `scale` pixels wide."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, np.kron(image, np.ones((scale, scale))), cmap="gray", vmin=0, vmax=1, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _points(rows: list[Row], column: str, log: bool) -> list[tuple[int, float]]:
    points = []
    for row in rows:
        value = row[column]
        if value is not None and math.isfinite(float(value)) and (not log or float(value) > 0):
            points.append((int(row["step"] or 0), float(value)))
    return points


def _dress(axes: Axes, chart: Chart) -> None:
    axes.patch.set_alpha(0)
    axes.set_xlabel("optimiser step", color=INK)
    axes.set_ylabel(chart.unit, color=INK)
    if chart.log:
        axes.set_yscale("log")
    axes.tick_params(colors=INK, which="both")
    for spine in axes.spines.values():
        spine.set_color(INK)
    axes.grid(color=INK, alpha=0.25, linewidth=0.5)
    axes.legend(frameon=False, labelcolor=INK, fontsize=8, ncols=2)


def _svg_text(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


LOSS_CHARTS = (
    Chart("Raw loss", ("raw_total", "raw_fm", "raw_mf"), "squared latent per dim", log=True),
    Chart("Weighted loss and objective", ("weighted", "objective"), "no unit"),
    Chart("Raw loss by channel", ("raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3"), "squared latent per dim", log=True),
    Chart("Learning rate", ("lr",), "per step"),
)
"""What a run's report must show side by side: the loss that moves beside the one that may not."""
