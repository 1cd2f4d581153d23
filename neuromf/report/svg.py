"""A matplotlib figure as a small SVG element, with ids that do not clash with those of other figures of the page."""

from __future__ import annotations

import io
import re
from html import escape

from matplotlib.figure import Figure


def svg_text(figure: Figure, title: str) -> str:
    """A figure as an SVG element that has `title` read aloud; groups named `class ...` get those classes."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
    text = re.sub(r' id="class ([^"]*)"', r' class="series \1"', text)
    # Names that nothing refers to, and that each chart of the page would give again.
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)
    # A hundredth of a point is a fortieth of a pixel.
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path.group()), text)
