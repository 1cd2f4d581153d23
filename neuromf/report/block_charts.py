"""Chart of the gradient norm of each block of the network, epoch by epoch."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.colors import to_hex

from neuromf.report.charts import Frame, draw
from neuromf.report.lines import Line
from neuromf.report.run_charts import Picture
from neuromf.report.run_facts import ReportedRun
from neuromf.training.records.summary import block_norms

MAP = "turbo"
"""Colours from the input of the net to its output; its dark ends are left out."""
NO_BLOCKS = "no gradient norms by block: no epoch was recorded with training.diagnostics on."
"""What the page says instead of the chart."""


def block_picture(run: ReportedRun, *, alone: bool) -> Picture | None:
    """The chart of one run; None where the run recorded no blocks.

    Raises:
        InputError: the training summary holds something else than norms.
    """
    epochs = np.array([float(record["epoch"]) for record in run.epochs])
    norms = [blocks.norms for blocks in block_norms(run.epochs, run.folder.summary)]
    names = list(dict.fromkeys(name for record in norms for name in record))
    if not names:
        return None
    colours = colormaps[MAP](np.linspace(0.14, 0.86, len(names)))
    lines = [
        Line(epochs, np.array([record.get(name, np.nan) for record in norms]), name, to_hex(colour), "-", run.toggle)
        for name, colour in zip(names, colours, strict=True)
    ]
    title = "Gradient norm by block" + ("" if alone else f": {run.name}")
    frame = Frame(title, "norm at the epoch's last step", log=True, across="epoch", height=3.6, legend_below=True)
    return Picture(title, Markup(draw(lines, frame)), run.toggle)
