"""The picture of trainings by repair."""

from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from neuromf.replay.picture import OUTCOMES, draw_curves, draw_recorded, spread
from neuromf.replay.recorded import RUNS, curve
from neuromf.replay.rules import readings, rules

GAP = 0.05


def table(*losses):
    return pd.DataFrame({"raw_mf": losses})


@given(places=st.lists(st.floats(0, 1), min_size=1, max_size=20).map(sorted))
def test_names_are_apart_in_order_and_on_the_page(places):
    """Whatever the ends, no name covers another, and none leaves the axes."""
    moved = spread(places, gap=GAP)
    assert all(later - earlier >= GAP - 1e-9 for earlier, later in pairwise(moved))
    assert -1e-9 <= moved[0] <= moved[-1] <= 1


@given(places=st.lists(st.integers(0, 9), unique=True, min_size=1).map(sorted))
def test_names_that_are_apart_stay_where_they_are(places):
    """Nothing is moved without need."""
    apart = [place / 10 for place in places]
    assert spread(apart, gap=GAP) == apart


@pytest.mark.parametrize(("end", "colour"), [(5000.0, 0), (20.0, 1), (0.5, 2), (float("nan"), 0)])
def test_the_colour_is_what_came_of_it(tmp_path, monkeypatch, end, colour):
    """It exploded, it grew, it fell; a loss that is no number exploded."""
    named = []
    monkeypatch.setattr(Axes, "annotate", lambda axes, text, *place, **style: named.append((text, style["color"])))
    draw_curves(tmp_path / "p.png", {"none": [table(4.0, 4.0)], "time_scale": [table(4.0, end)] * 3}, "title")
    assert ("time scale", OUTCOMES[colour][1]) in named
    assert ("none", "black") in named


def test_one_seed_in_three_that_is_no_number_is_not_sorted_away(tmp_path, monkeypatch):
    """The middle of NaN, 0.5 and 0.5 is no number: it exploded."""
    named = []
    monkeypatch.setattr(Axes, "annotate", lambda axes, text, *place, **style: named.append((text, style["color"])))
    tables = [table(4.0, end) for end in (0.5, float("nan"), 0.5)]
    draw_curves(tmp_path / "p.png", {"none": [table(4.0, 4.0)], "time_scale": tables}, "title")
    assert ("time scale", OUTCOMES[0][1]) in named


def test_the_picture_is_a_picture(tmp_path):
    """It is drawn in the settings of nobody else."""
    before = dict(mpl.rcParams)
    draw_curves(tmp_path / "p.png", {"none": [table(4.0, 90.0)]}, "title")
    assert imread(tmp_path / "p.png").std() > 0
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_run_is_drawn_with_its_lines_named_and_its_rules(tmp_path, monkeypatch, name):
    """Each channel's points, or their sum, named where no point lies; what was printed below; rules at their epochs."""
    run, drawn = RUNS[name], []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: drawn.append(figure))
    draw_recorded(tmp_path / "p.png", run, rules(run))
    raw, printed = drawn[0].axes

    table = curve(name)
    named = [text.get_text() for text in raw.get_legend().get_texts()]
    lines = {line.get_label(): line for line in raw.lines if len(line.get_xdata()) > 2}
    if name == "failed_225":
        assert named == list(lines) == [f"channel {channel}" for channel in range(4)]
        expected = {f"channel {channel}": (table["epoch"], table[f"ch{channel}"]) for channel in range(4)}
    else:
        assert named == list(lines) == ["four channels added"]
        expected = {"four channels added": (list(run.points), list(run.points.values()))}
    for label, (epochs, losses) in expected.items():
        assert lines[label].get_xdata() == pytest.approx(list(epochs))
        assert lines[label].get_ydata() == pytest.approx(list(losses))
    assert len({line.get_color() for line in lines.values()}) == len(lines)
    drawn[0].draw_without_rendering()
    names = raw.get_legend().get_window_extent()
    assert not any(
        names.contains(*raw.transData.transform(point)) for line in lines.values() for point in line.get_xydata()
    )

    below = readings(run)
    assert printed.lines[0].get_ydata() == pytest.approx([reading.printed for reading in below])
    assert printed.lines[0].get_xdata() == pytest.approx([reading.epoch for reading in below])
    spoken = {(rule.name, rule.epoch) for rule in rules(run) if rule.epoch}
    assert {(text.get_text(), text.xy[0]) for text in raw.texts} == spoken
    assert sorted(line.get_xdata()[0] for line in raw.lines if line not in lines.values()) == sorted(
        epoch for _, epoch in spoken
    )
