"""Labelled vertical lines of a chart (alarms, for example), and where each label is placed above the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

SIZE = 7.0
"""Font size of a name, points."""
LINE = SIZE + 2
"""Height of a row of names, points."""
LETTER = 0.62
"""Mean width of a letter over the font size: law ids are capitals and digits."""
GAP = 5.0
"""Points between two names in a row."""
ROWS = 6
"""Rows of names; lines whose names would need more stay nameless."""


@dataclass(frozen=True)
class ChartMark:
    """A vertical line.

    Attributes:
        x: where it stands, in the unit of the axis.
        text: its name.
        colour: of line and name.
        classes: classes of the drawn elements, by which the page can hide them.
        grave: drawn whole instead of dashed, and named before the others.
    """

    x: float
    text: str
    colour: str
    classes: str = ""
    grave: bool = False

    @property
    def gid(self) -> str | None:
        """Name of a drawn element that becomes its classes, see `charts.draw`."""
        return f"class {self.classes}" if self.classes else None


@dataclass(frozen=True)
class Label:
    """Where a mark's name stands: points from the left end of the axes, and the row above them."""

    mark: ChartMark
    left: float
    row: int


def place_labels(marks: Sequence[ChartMark], start: float, end: float, width: float) -> list[Label]:
    """Give each name the lowest row in which it touches no other, the grave ones first.

    Args:
        marks: the lines.
        start: value at the left end of the axis.
        end: value at its right end.
        width: of the axes, points.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in range(ROWS)]
    labels = []
    for mark in sorted(marks, key=lambda mark: (not mark.grave, mark.x, mark.text)):
        length = LETTER * SIZE * len(mark.text)
        middle = (mark.x - start) / (end - start) * width
        left = min(max(middle - length / 2, 0.0), max(width - length, 0.0))
        row = next((row for row, others in enumerate(taken) if _is_free(left, left + length, others)), None)
        if row is not None:
            taken[row].append((left, left + length))
            labels.append(Label(mark, left, row))
    return labels


def _is_free(left: float, right: float, others: Sequence[tuple[float, float]]) -> bool:
    return all(left >= end + GAP or right + GAP <= start for start, end in others)


def draw_marks(figure: Figure, axes: Axes, marks: Sequence[ChartMark]) -> None:
    """Draw the lines, and make room above the axes for their names."""
    start, end = axes.get_xlim()
    page_width, page_height = 72 * figure.get_figwidth(), 72 * figure.get_figheight()
    labels = place_labels(marks, start, end, page_width * axes.get_position().width)
    rows = 1 + max((label.row for label in labels), default=0)
    figure.subplots_adjust(top=1 - (rows * LINE + 4) / page_height)
    height = page_height * axes.get_position().height
    tops = {label.mark: 1 + (2 + LINE * label.row) / height for label in labels}
    for mark in marks:
        axes.plot([mark.x] * 2, [0, tops.get(mark, 1)], transform=axes.get_xaxis_transform(), clip_on=False,
                  color=mark.colour, linewidth=0.9, linestyle="-" if mark.grave else (0, (4, 2)),
                  gid=mark.gid)  # fmt: skip
    for label in labels:
        place = (label.left, 3 + LINE * label.row)
        text = axes.annotate(label.mark.text, (0, 1), place, xycoords="axes fraction", textcoords="offset points")
        text.set(color=label.mark.colour, fontsize=SIZE, gid=label.mark.gid, parse_math=False)
    axes.set_xlim(start, end)
