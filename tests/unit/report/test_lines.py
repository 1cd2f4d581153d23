"""Lines and named marks of a chart."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.report.lines import Line
from neuromf.report.marks import GAP, LETTER, SIZE, ChartMark, place_labels

WIDTH = 400.0


def line(values):
    """A line over steps."""
    return Line(np.arange(len(values), dtype=float), np.array(values, dtype=float), "loss", "#000")


@given(place=st.integers(0, 99_999), height=st.sampled_from([-5.0, 7.0]))
def test_a_spike_of_one_step_survives_the_thinning(place, height):
    """Of a hundred thousand steps at most 800 points are drawn, and the highest and lowest are among them."""
    values = np.zeros(100_000)
    values[place] = height
    drawn = line(values).drawable(log=False)

    assert len(drawn.y) <= 800
    assert drawn.y[drawn.x == place].tolist() == [height]
    assert (np.diff(drawn.x) > 0).all()


def test_a_log_axis_leaves_out_what_it_cannot_show():
    """Zero, negative and non-finite values are no points of a logarithmic line."""
    values = [1.0, 0.0, -1.0, np.nan, np.inf, 2.0]

    assert line(values).drawable(log=True).x.tolist() == [0, 5]
    assert line(values).drawable(log=False).x.tolist() == [0, 1, 2, 5]


def test_medians_ignore_single_spikes():
    """A spike in a stretch of three does not move its median."""
    bold = line([1, 1, 900, 2, 800, 2, 3, 3, 3]).medians(3)

    assert bold is not None
    assert bold.y.tolist() == [1, 2, 3]
    assert bold.x.tolist() == [1, 4, 7]


@pytest.mark.parametrize("count", [0, 4])
def test_a_short_line_has_no_medians(count):
    """Fewer than three points a stretch, or no stretch asked for."""
    assert line(range(11)).medians(count) is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.booleans()), max_size=40))
def test_no_two_names_touch_and_none_leaves_the_chart(drawn):
    """Names of one row are a gap apart, inside the axes."""
    marks = [ChartMark(x, "GUARD-001", "#000", grave=grave) for x, grave in drawn]
    length = LETTER * SIZE * len("GUARD-001")
    labels = place_labels(marks, 0, 1000, WIDTH)

    for row in {label.row for label in labels}:
        lefts = sorted(label.left for label in labels if label.row == row)
        assert all(b - a >= length + GAP - 1e-9 for a, b in pairwise(lefts))
        assert lefts[0] >= 0
        assert lefts[-1] + length <= WIDTH + 1e-9


def test_a_halt_is_named_before_the_warnings_that_crowd_it():
    """Where there is no room for all names, the halt's is there."""
    warnings = [ChartMark(500.0, f"LAW-{index:03}", "#000") for index in range(20)]
    halt = ChartMark(500.0, "STOP-001", "#000", grave=True)
    labels = place_labels([*warnings, halt], 0, 1000, WIDTH)

    assert halt in [label.mark for label in labels]
    assert len(labels) < 21
