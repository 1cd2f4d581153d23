"""The verdict at the head of a report."""

import math

import pytest

from neuromf.report.headline import headline
from neuromf.report.run_facts import read_runs
from tests.support.reported_run import HALT, STEPS, WARNING, trace_rows, write_run


def verdict(folder, **options):
    """Headline of one hand-written run."""
    (run,) = read_runs([write_run(folder / "run", **options)])
    return headline(run)


def test_a_finished_run_whose_loss_falls_passes(tmp_path):
    """Green, no alarm, and by how much the raw loss fell."""
    head = verdict(tmp_path)

    assert (head.level, head.word, head.alarms) == ("pass", "FINISHED", 0)
    assert head.raw.startswith("fell by 77 %")
    assert head.weighted == "did not move, 2 → 2"


def test_a_halted_run_is_red_and_says_why(tmp_path):
    """The halt's message, the steps made, and the laws in the order of their alarms."""
    head = verdict(tmp_path, rows=trace_rows(21, 1.3), events=[WARNING, HALT])

    assert (head.level, head.laws, head.alarms) == ("block", ("JVP-006", "GUARD-001"), 2)
    assert head.sentence == f"halted after 21 of 24 optimiser steps: {HALT.message}"
    assert "-fold" in head.raw


def test_a_warned_run_is_not_green(tmp_path):
    """One warning colours a finished run."""
    assert verdict(tmp_path, events=[WARNING]).level == "warn"


@pytest.mark.parametrize(("growth", "level"), [(1.1, "pass"), (1.3, "block")])
def test_a_loss_above_the_guards_warning_is_red_without_any_alarm(tmp_path, growth, level):
    """A run whose guard slept is judged by its loss: medians 3.8-fold apart pass, 39-fold do not."""
    head = verdict(tmp_path, rows=trace_rows(STEPS, growth))

    assert (head.level, head.alarms) == (level, 0)


def test_a_run_that_goes_on_is_neither_green_nor_red(tmp_path):
    """A fresh trace with steps to go is still running."""
    head = verdict(tmp_path, rows=trace_rows(7))

    assert (head.level, head.word) == ("info", "RUNNING")


def test_a_loss_that_ends_in_nan_is_red(tmp_path):
    """The last value decides, and the words say so."""
    rows = trace_rows(STEPS)
    rows[-1]["raw_total"] = math.nan
    head = verdict(tmp_path, rows=rows)

    assert head.level == "block"
    assert head.raw.endswith("not finite")


def test_a_loss_that_was_never_finite_is_red(tmp_path):
    """A run of NaN has no first and no last level."""
    rows = [row | {"raw_total": math.inf} for row in trace_rows(STEPS)]
    head = verdict(tmp_path, rows=rows)

    assert (head.level, head.raw) == ("block", "was never finite")
