"""Levels of a trace, however few its steps."""

import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.comparison.table import table_from_frame
from neuromf.diagnosis.diagnosis import read_signs
from neuromf.golden.runner import frame_of_rows
from neuromf.monitor.checks.trace_summary import FEWEST, summarise
from neuromf.monitor.guard.initial_ratio import WINDOW
from neuromf.trace.cells import format_cell, parse_row
from neuromf.trace.columns import COLUMNS
from tests.support.reported_run import trace_rows
from tests.support.tiny_run import make_tiny_config
from tests.support.trace_strategies import NUMBERS


def levels(*losses):
    rows = [row | {"raw_total": loss} for row, loss in zip(trace_rows(len(losses)), losses, strict=True)]
    return summarise(rows).levels("raw_total")


@given(steps=st.integers(0, 200))
def test_every_stretch_has_steps_of_its_own(steps):
    """At least ten, or three where the run is halved; a shorter one has no level at all."""
    found = levels(*range(steps))
    assert found == sorted(set(found))
    assert len(found) == max(steps // WINDOW, 2 if steps >= 2 * FEWEST else 0)


@pytest.mark.law("OBS-002")
@given(losses=st.lists(st.floats(0, 1e300) | st.none(), min_size=6, max_size=67))
def test_a_level_is_the_median_of_its_stretch(losses):
    """Empty cells are left out, and a stretch of nothing else has no level; from rows and from arrays alike."""
    losses = [None if loss is None else float(f"{loss:.9g}") for loss in losses]
    rows = [row | {"raw_mf": loss} for row, loss in zip(trace_rows(len(losses)), losses, strict=True)]
    count = max(len(losses) // WINDOW, 2)
    edges = [index * len(losses) // count for index in range(count + 1)]
    stretches = [[loss for loss in losses[low:high] if loss is not None] for low, high in pairwise(edges)]
    expected = [statistics.median(stretch) for stretch in stretches if stretch]
    assert summarise(rows).levels("raw_mf") == expected
    assert summarise(table_from_frame(frame_of_rows(rows))).levels("raw_mf") == expected


@given(broken=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(NUMBERS)), max_size=3))
def test_arrays_are_summed_up_as_rows_are(broken):
    """The first number that is not finite, the steps before it, their columns and how far apart they are."""
    rows = [parse_row({c.name: format_cell(row[c.name], c.kind) for c in COLUMNS}) for row in trace_rows(6)]
    for step, name in broken:
        rows[step] = rows[step] | {name: math.nan}
    one, other = summarise(rows), summarise(table_from_frame(frame_of_rows(rows)))
    assert repr(one.broken) == repr(other.broken)
    assert (one.stride, one.steps.tolist()) == (other.stride, other.steps.tolist())
    for name in NUMBERS:
        assert one.values(name) == other.values(name)


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
