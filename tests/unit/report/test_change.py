"""What is said of a loss, in runs of any length."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.monitor.guard.initial_ratio import WINDOW, end_window
from neuromf.report.change import change_of
from neuromf.report.headline import headline
from neuromf.report.run_facts import read_runs
from tests.support.reported_run import STEPS, trace_rows, write_run


def told(*values):
    return change_of(np.array(values, dtype=float))


def verdict(folder, losses, **options):
    """Headline of a run whose raw loss takes these values, with steps to go where they are few."""
    rows = trace_rows(len(losses))
    for row, loss in zip(rows, losses, strict=True):
        row["raw_total"] = loss
    (run,) = read_runs([write_run(folder / "run", rows=rows, **options)])
    return headline(run)


@pytest.mark.law("OBS-002")
@given(steps=st.integers(2, 200))
def test_the_first_and_the_last_level_share_no_step(steps):
    """Half of a short run each, ten steps of a long one."""
    assert 2 * end_window(steps) <= steps
    assert end_window(steps) == WINDOW or 2 * end_window(steps) >= steps - 1


@pytest.mark.parametrize("steps", [2, 3, 8, 11, 15, 19, 20, 60])
@pytest.mark.parametrize("growth", [1.5, 3.0, 10.0])
def test_a_loss_that_only_rises_is_never_said_to_stand_still(steps, growth):
    """However short the run, and whatever its last steps and its first have in common."""
    change = told(*(4.0 * growth**step for step in range(steps)))
    assert change.ratio >= growth
    assert change.words.startswith("rose")


@pytest.mark.parametrize("steps", [3, 8, 15, 19])
def test_a_run_that_explodes_in_its_first_steps_is_red_while_it_runs(tmp_path, steps):
    """No event says so yet: the guard looks at blocks of thirty steps."""
    head = verdict(tmp_path, [4.0 * 10.0**step for step in range(steps)])
    assert (head.word, head.alarms, head.level) == ("RUNNING", 0, "block")
    assert "-fold" in head.raw


@pytest.mark.law("GUARD-004")
def test_a_run_that_exploded_before_its_first_level_is_red(tmp_path):
    """Both ends are where it exploded to: what it says of itself does not move, and nothing is predicted so badly."""
    head = verdict(tmp_path, [4.0, *[92_288.0] * (STEPS - 1)])
    assert head.level == "block"
    assert "times the loss of predicting nothing" in head.raw


@pytest.mark.law("OBS-002")
def test_the_highest_loss_before_a_nan_is_told(tmp_path):
    """The run that was at 184,203 before it broke down is not said to have stood at 92,288."""
    losses = [4.0, 9.0, 100.0, 2_000.0, 30_000.0, 92_288.0, 92_288.0, 92_288.0, 120_000.0, 184_203.0, math.nan]
    head = verdict(tmp_path, losses)
    assert head.level == "block"
    assert head.raw.startswith("rose 923-fold, 100 → 92,288, highest 184,203, then not finite")


def test_a_single_step_has_moved_nowhere(tmp_path):
    """One number is no course."""
    head = verdict(tmp_path, [4.0])
    assert (head.level, head.raw) == ("info", "was 4 in its one step")
    assert told(4.0, math.nan).words == "was 4 in its one finite step, then not finite"


def test_a_loss_that_came_back_is_told_by_its_highest(tmp_path):
    """The guard would have warned of the middle of the run, which neither end shows."""
    head = verdict(tmp_path, [2.0] * 10 + [900.0] * 12 + [2.0] * 10, blocks={})
    assert head.level == "block"
    assert head.raw.startswith("ended where it began, 2 → 2, highest 900")


def test_one_spike_of_a_healthy_run_is_not_told(tmp_path):
    """A single step's loss has a long tail; the level is that of ten."""
    losses = [4.0 * 0.9**step for step in range(STEPS)]
    losses[12] = 60.0
    head = verdict(tmp_path, losses)
    assert (head.level, head.raw) == ("pass", "fell by 77 %, 2.493 → 0.5704")


@pytest.mark.parametrize(("ends", "words"), [((0.0, 5.0), "changed, 0 → 5"), ((0.0, 0.0), "did not move, 0 → 0")])
def test_a_loss_that_starts_at_nothing_has_no_multiple(ends, words):
    """Nothing is said of a quotient that does not exist."""
    assert told(*ends).words.startswith(words)


@given(values=st.lists(st.floats(), min_size=1, max_size=30))
def test_any_numbers_are_told(values):
    """NaN, infinity and the largest float among them."""
    change = told(*values)
    finite = [value for value in values if math.isfinite(value)]
    assert (change is None) == (not finite)
    if change is not None:
        assert change.words
        assert change.broken == (not math.isfinite(values[-1]))


@given(levels=st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=40))
def test_the_levels_are_medians_of_their_own_steps(levels):
    """Of the first and the last `end_window` values, and the highest of all stretches of that length."""
    change, window = told(*levels), end_window(len(levels))
    assert change.first == pytest.approx(np.median(levels[:window]))
    assert change.last == pytest.approx(np.median(levels[-window:]))
    assert max(change.first, change.last) <= change.peak <= change.highest
