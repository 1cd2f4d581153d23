"""The table of laws."""

from dataclasses import replace

import pytest

from neuromf.data.scan import Scan
from neuromf.errors import InputError
from neuromf.gate.static import CHECKS
from neuromf.report.law_table import GUARD, law_rows
from neuromf.report.run_facts import read_runs
from neuromf.training.latents import frozen
from tests.support.reported_run import HALT, SELF_TEST, WARNING, trace_rows, write_run

VALIDATING = ("training.validate_every_epochs=1", "training.early_stop_patience=3")


@pytest.fixture
def rows(tmp_path):
    """A halted run beside one that breaks a law on paper, by law."""
    events = [SELF_TEST, WARNING, replace(WARNING, step=12), replace(HALT, step=15, level="warn"), HALT]
    halted = write_run(tmp_path / "halted", rows=trace_rows(21, 1.3), events=events)
    late = write_run(tmp_path / "late", "training.warmup_steps=20", *VALIDATING)
    return {row.law.id: row for row in law_rows(read_runs([halted, late]))}


def test_an_alarm_stands_with_its_step_and_number(rows):
    """The gravest, and of two alike the first."""
    assert [judgement.text for judgement in rows["GUARD-001"].trained] == ["halted at step 20, 2 alarms", "no alarm"]
    assert rows["JVP-006"].trained[0].text == "warned at step 9, 2 alarms"
    assert rows["JVP-006"].broken


def test_a_configuration_that_breaks_a_law_stands_with_value_and_bound(rows):
    """83 % of the run is warm-up in one of the runs alone."""
    healthy, late = rows["LR-003"].planned
    assert (healthy.colour, late.colour) == ("pass", "warn")
    assert late.text == "83.33 % of the run, bound <= 10"


def test_every_law_judged_on_paper_has_a_row(rows):
    """No static check is missing."""
    assert set(CHECKS) <= set(rows)


def test_a_law_that_only_tests_hold_has_no_row(rows):
    """The property of the path says nothing of a run."""
    assert "PATH-001" not in rows


def test_a_law_judged_by_the_gate_alone_is_not_said_to_have_held(rows):
    """The derivative's error is measured before the launch alone; silence in training would mean nothing."""
    assert {judgement.text for judgement in rows["JVP-003"].trained} == {""}
    assert {judgement.text for judgement in rows["OPT-003"].trained} == {"no alarm"}
    assert rows["LR-001"].trained[1].text == "no alarm"


def test_without_monitors_only_the_guard_is_said_to_have_watched(tmp_path):
    """No silent fault was looked for, and no step was judged."""
    runs = read_runs([write_run(tmp_path / "run", "training.monitors=false")])
    watched = [row.law.id for row in law_rows(runs) if row.trained[0].text]
    assert sorted(watched) == sorted(GUARD)


def test_a_run_without_an_average_is_not_said_to_have_kept_one(tmp_path):
    """Nothing was judged of the average, on paper or in training; beside a run that keeps one the row is half empty."""
    without, kept = write_run(tmp_path / "without", "ema.decay=null"), write_run(tmp_path / "kept")
    assert not {"EMA-001", "EMA-002"} & {row.law.id for row in law_rows(read_runs([without]))}
    (row,) = (row for row in law_rows(read_runs([without, kept])) if row.law.id == "EMA-001")
    assert [bool(judgement.text) for judgement in (*row.planned, *row.trained)] == [False, True, False, True]


@pytest.mark.law("OBS-002")
def test_a_run_on_ones_own_scans_is_judged_by_those_it_began_with(tmp_path, monkeypatch):
    """Not by what lies in their folder now; where nobody knows them any more, the law on them alone is left out."""
    run = write_run(
        tmp_path / "run", "data.source=folder", f"data.root={tmp_path / 'gone'}", "data.split_ratios=[1,0,0]"
    )
    beside = write_run(tmp_path / "beside")
    scans = [Scan("anna", f"anna{visit}", tmp_path / f"{visit}.nii.gz", subject_from="guessed") for visit in range(3)]
    asked = []
    monkeypatch.setattr(frozen, "began_with", lambda folder, config: asked.append((folder, config)) or scans)
    runs = read_runs([run, beside])
    table = {row.law.id: row for row in law_rows(runs)}
    assert asked == [(runs[0].folder, runs[0].config)]
    judged, built_in = table["DATA-002"].planned
    assert (judged.colour, built_in.colour) == ("warn", "pass")  # the subject of the former is guessed

    def refuse(folder, config):
        raise InputError("is gone", remedy="find it")

    monkeypatch.setattr(frozen, "began_with", refuse)
    without = {row.law.id: row for row in law_rows(runs)}
    assert [bool(judgement.text) for judgement in without["DATA-002"].planned] == [False, True]
    assert {law_id for law_id, row in table.items() if row.planned[0].text} == {
        *(law_id for law_id, row in without.items() if row.planned[0].text), "DATA-002",
    }  # fmt: skip
