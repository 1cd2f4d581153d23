"""The picture of trainings by repair."""

from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.image import imread

from neuromf.replay.picture import OUTCOMES, draw_curves, spread

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
