"""Levels of a trace, however few its steps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.diagnosis.diagnosis import read_signs
from neuromf.monitor.checks.trace_summary import FEWEST, summarise
from neuromf.monitor.guard.initial_ratio import WINDOW
from tests.support.reported_run import trace_rows
from tests.support.tiny_run import make_tiny_config


def levels(*losses):
    rows = [row | {"raw_total": loss} for row, loss in zip(trace_rows(len(losses)), losses, strict=True)]
    return summarise(rows).levels("raw_total")


@given(steps=st.integers(0, 200))
def test_every_stretch_has_steps_of_its_own(steps):
    """At least ten, or three where the run is halved; a shorter one has no level at all."""
    found = levels(*range(steps))
    assert found == sorted(set(found))
    assert len(found) == max(steps // WINDOW, 2 if steps >= 2 * FEWEST else 0)


@pytest.mark.parametrize(("steps", "count"), [(0, 0), (5, 0), (6, 2), (8, 2), (15, 2), (20, 2), (30, 3)])
def test_a_short_run_has_a_start_and_an_end(steps, count):
    """An explosion in the first steps is a level beside another; fewer than three steps are none."""
    found = levels(*(4.0 * 10.0**step for step in range(steps)))
    assert len(found) == count
    assert all(later > earlier for earlier, later in pairwise(found))


def test_an_explosion_of_eight_steps_is_a_sign():
    """Before, nothing could be said of a loss before its twentieth step."""
    rows = [row | {"raw_total": 4.0 * 10.0 ** row["step"]} for row in trace_rows(8)]
    assert read_signs(make_tiny_config("training.epochs=8"), summarise(rows), [], {})["climb"].points > 1
