"""Lines of a chart, reduced to fewer points for drawing in a way that keeps every spike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neuromf.trace.columns import Row, number

BINS = 400
"""Bins of a thinned line; each keeps its lowest and its highest point, and a chart is about as many pixels wide."""

DRAWN = 1e100
"""What is larger is drawn here: an axis that ends near the largest float has no room for its ticks."""


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        x: where its points stand, rising.
        y: their values; those that are not finite are left out.
        label: in the legend, empty for none.
        colour: of the line.
        dashes: line style in matplotlib's words.
        classes: classes of the drawn element, by which the page can hide it.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    label: str
    colour: str
    dashes: str = "-"
    classes: str = ""

    @property
    def gid(self) -> str | None:
        """Name of the drawn element that becomes its classes, see `charts.draw`."""
        return f"class {self.classes}" if self.classes else None

    def drawable(self, *, log: bool, bins: int = BINS) -> Line:
        """The points that the axis can show, at most two in each of `bins` equal stretches of the line."""
        shown = np.isfinite(self.y) & ((self.y > 0) if log else True)
        x, y = self.x[shown], np.clip(self.y[shown], -DRAWN, DRAWN)
        kept = _extremes(y, bins)
        return replace(self, x=x[kept], y=y[kept])

    def medians(self, count: int) -> Line | None:
        """Medians over `count` equal stretches of the line; None where a stretch would hold fewer than three points."""
        shown = np.isfinite(self.y)
        x, y = self.x[shown], self.y[shown]
        if not count or len(y) < 3 * count:
            return None
        middles = [float(np.median(part)) for part in np.array_split(x, count)]
        levels = [float(np.median(part)) for part in np.array_split(y, count)]
        return replace(self, x=np.array(middles), y=np.array(levels))


def legend_line(label: str, colour: str, dashes: str = "-") -> Line:
    """A line without points, which stands in the legend alone."""
    return Line(np.empty(0), np.empty(0), label, colour, dashes)


def column_values(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    """Values of a column, NaN where the cell is empty."""
    return np.array([number(row, column) for row in rows])


def _extremes(y: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Indices of the lowest and the highest value of each bin, in order; all of them when they are few."""
    if len(y) <= 2 * bins:
        return np.arange(len(y))
    edges = np.linspace(0, len(y), bins + 1).astype(np.int64)
    chosen = [
        start + extreme
        for start, end in pairwise(edges.tolist())
        for extreme in (int(y[start:end].argmin()), int(y[start:end].argmax()))
    ]
    return np.unique(np.array(chosen, dtype=np.int64))
