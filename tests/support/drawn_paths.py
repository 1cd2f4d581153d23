"""What is drawn on a page, read back from its SVG: the courses of lines, and the names in the legend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

SVG = "{http://www.w3.org/2000/svg}"
HUNDREDTH = 0.0101
"""Points are written to a hundredth of a point, cut off."""


@dataclass(frozen=True)
class DrawnLine:
    """One line of a chart.

    Attributes:
        classes: by which the page hides it.
        colour: as drawn.
        dashes: empty for a whole line.
        x: points from the left.
        y: points from the top.
        width: of the stroke, in points.
        opacity: 1 for a line that hides what is below it.
    """

    classes: tuple[str, ...]
    colour: str
    dashes: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    width: float
    opacity: float


def drawn_lines(svg: str) -> list[DrawnLine]:
    """Every line with classes, in the order in which they are drawn."""
    lines = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        classes = group.get("class", "").split()
        path = group.find(f"{SVG}path")
        if classes[:1] == ["series"] and path is not None:
            lines.append(_line(tuple(classes[1:]), path))
    return lines


def _line(classes: tuple[str, ...], path: ElementTree.Element) -> DrawnLine:
    points = np.array([float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", path.get("d", ""))]).reshape(-1, 2)
    style = path.get("style", "")
    stroke = {name: _of(style, f"stroke{name}") for name in ("", "-dasharray", "-width", "-opacity")}
    return DrawnLine(
        classes, stroke[""], stroke["-dasharray"], points[:, 0], points[:, 1],
        width=float(stroke["-width"] or 1), opacity=float(stroke["-opacity"] or 1),
    )  # fmt: skip


def _of(style: str, name: str) -> str:
    found = re.search(rf"(?:^|; ){name}: ([^;]*)", style)
    return found.group(1) if found else ""


def legend(svg: str) -> dict[str, tuple[str, str]]:
    """Colour and dashes by name: a legend draws a name behind its line."""
    elements = [e for e in ElementTree.fromstring(svg).iter() if e.tag in (f"{SVG}path", f"{SVG}text")]
    found = {}
    for drawn, text in pairwise(elements):
        style, font = drawn.get("style", ""), text.get("style", "")
        if (drawn.tag, text.tag) == (f"{SVG}path", f"{SVG}text") and {"text-anchor: start", "font-size: 8px"} <= set(
            font.split("; ")
        ):
            found["".join(text.itertext())] = (_of(style, "stroke"), _of(style, "stroke-dasharray"))
    return found


def axis_labels(svg: str) -> set[str]:
    """Every text of the chart."""
    return {"".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")}


def is_course_of(drawn: NDArray[np.float64], values: NDArray[np.float64], *, up: bool) -> bool:
    """Whether positions are a linear function of some values, as an axis makes them, that rises or falls with them.

    Args:
        drawn: positions in points.
        values: what may be drawn there.
        up: whether larger values stand at smaller positions, as on a vertical axis of SVG.
    """
    if len(drawn) != len(values):
        return False
    slope, offset = np.polyfit(values, drawn, 1)
    error = float(np.abs(slope * values + offset - drawn).max())
    return bool((slope < 0) == up and error <= HUNDREDTH and np.ptp(drawn) > 20 * HUNDREDTH)
