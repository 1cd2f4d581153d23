"""The table of laws."""

import pytest
from reported_run import HALT, SELF_TEST, WARNING, trace_rows, write_run

from tools.gate.static import CHECKS
from tools.report.law_table import law_rows
from tools.report.run_facts import read_runs


@pytest.fixture
def rows(tmp_path):
    """A halted run beside one that breaks a law on paper, by law."""
    halted = write_run(tmp_path / "halted", rows=trace_rows(21, 1.3), events=[SELF_TEST, WARNING, WARNING, HALT])
    late = write_run(tmp_path / "late", "training.warmup_steps=20")
    return {row.law.id: row for row in law_rows(read_runs([halted, late]))}


def test_an_alarm_stands_with_its_step_and_number(rows):
    """The halt, and the first of two warnings."""
    assert [judgement.text for judgement in rows["GUARD-001"].trained] == ["halted at step 20", "no alarm"]
    assert rows["JVP-006"].trained[0].text == "warned at step 9, 2 alarms"
    assert rows["JVP-006"].broken


def test_a_configuration_that_breaks_a_law_stands_with_value_and_bound(rows):
    """83 % of the run is warm-up in one of the runs alone."""
    healthy, late = rows["LR-003"].planned
    assert (healthy.colour, late.colour) == ("pass", "block")
    assert late.text == "83.33 % of the run, bound <= 10"


def test_every_law_judged_on_paper_has_a_row(rows):
    """No static check is missing."""
    assert set(CHECKS) <= set(rows)


def test_a_law_that_only_tests_hold_has_no_row(rows):
    """The property of the path says nothing of a run."""
    assert "PATH-001" not in rows
