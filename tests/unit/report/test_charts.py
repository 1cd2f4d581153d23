"""Names in a chart's legend and beside its marks."""

import numpy as np
import pytest

from neuromf.report.charts import Frame, draw
from neuromf.report.lines import Line, legend_line
from neuromf.report.marks import ChartMark

STEPS = np.arange(9, dtype=float)
NAMES = ["_run", "__", r"cost $\frac$", "$x$ and $y$", r"50 % of \alpha^2", "läuft {x:g}"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("medians", [0, 3])
def test_a_name_stands_in_the_legend_as_typed(name, medians):
    """A leading underscore hides no run, and dollars are no mathematics, with and without bold medians."""
    lines = [Line(STEPS, STEPS + 1, "", "#000"), legend_line(name, "#111"), Line(STEPS, STEPS + 1, "last", "#222")]
    svg = draw(lines, Frame("title", "unit", log=True, medians=medians))

    assert svg.count(f">{name}<") == svg.count(">last<") == 1


def test_a_chart_without_names_has_no_legend():
    """Nothing stands for the lines that are not named."""
    assert "legend" not in draw([Line(STEPS, STEPS, "", "#000")], Frame("title", "unit"))


def test_a_mark_is_named_as_typed():
    """An event's law is what the file says, be it no law."""
    marks = (ChartMark(4.0, r"$\frac$", "#f00"),)
    assert r">$\frac$<" in draw([Line(STEPS, STEPS, "a", "#000")], Frame("title", "unit", width=9.0, marks=marks))


def test_a_short_logarithmic_axis_is_labelled_without_powers_of_ten():
    """Between 0.5 and 0.9 stands 0.6, which is read faster than 6e-01."""
    svg = draw([Line(STEPS, np.linspace(0.5, 0.9, 9), "a", "#000")], Frame("title", "unit", log=True))
    assert ">0.6<" in svg
    assert "e-01" not in svg
