"""The study of the public checkers: its faults change their loops, and its page says what was kept."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest

from tools.studies.rivals import results
from tools.studies.rivals.catalogue import faults, script
from tools.studies.rivals.heard import Heard, SaidAlarm
from tools.studies.rivals.logs import COLUMNS, write_log
from tools.studies.rivals.plan import (
    LOOPS,
    Run,
    Settings,
    drawn,
    healthy_runs,
    reference_runs,
    run_loop,
    short,
)
from tools.studies.rivals.tables import GIVEN, faults_table, tools_table

BRIEF = Settings(seed=7, steps=12, onset=6, evaluate_every=4, warmup=5)
KEPT = results.FOLDER / "results.json"


def numbers(loop, fault=None):
    """What a loop logs, without its times, so that NaN is NaN."""
    rows = run_loop(Run(loop, loop, BRIEF, fault))
    return [[repr(row.get(column)) for column in COLUMNS] for row in rows]


@pytest.fixture(scope="module")
def healthy():
    """Both loops as they should be."""
    return {loop: numbers(loop) for loop in LOOPS}


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.id)
def test_a_fault_changes_what_its_loop_does(fault, healthy):
    """A fault that changes nothing could not be heard, and would count as missed."""
    assert numbers(fault.loop, fault) != healthy[fault.loop]


def test_a_change_of_words_alone_would_not_count(healthy):
    """The same loop gives the same numbers."""
    (fault,) = [one for one in faults() if one.id == "stem-not-frozen"]
    nothing = dataclasses.replace(fault, edits=(("    model.freeze_stem()\n", "    model.freeze_stem()  # still\n"),))
    assert numbers("plain", nothing) == healthy["plain"]


def test_half_of_the_faults_are_public_and_cited():
    """At least twenty, at least half of them somebody else's, none twice."""
    public = [fault for fault in faults() if fault.public]
    assert len(faults()) >= 20
    assert 2 * len(public) >= len(faults())
    assert len({fault.id for fault in faults()}) == len(faults())
    assert len({fault.origin for fault in public}) == len(public)


def test_an_edit_that_does_not_fit_is_refused():
    """Its text must stand in the script once."""
    fault = dataclasses.replace(faults()[0], edits=(("nowhere in it", ""),))
    with pytest.raises(ValueError, match="stands 0 times"):
        script(fault.loop, fault)


def test_the_references_are_not_among_the_healthy():
    """Sixty runs, thirty a loop, no settings twice."""
    judged, shown = healthy_runs(), reference_runs()
    assert len(judged) == 60
    assert not {run.settings for run in judged} & {run.settings for run in shown}
    assert len({(run.loop, run.settings) for run in judged}) == 60
    assert drawn("plain", 3, 1) == drawn("plain", 3, 1)


def test_a_log_has_empty_cells_where_nothing_was_evaluated(tmp_path):
    """As loops write them."""
    write_log(
        [{"step": 0, "loss": 1.5, "seconds": 3.0}, {"step": 1, "loss": 1.0, "eval_loss": 2.0}], tmp_path / "a.csv"
    )
    assert (tmp_path / "a.csv").read_text().splitlines() == [",".join(COLUMNS), "0,1.5,,,", "1,1.0,,,2.0"]


def heard(*alarms, tool="losslint", run="x"):
    return Heard(tool, run, tuple(alarms), 1.0)


def test_only_what_no_healthy_run_draws_counts_as_heard():
    """An alarm that healthy runs draw too says nothing of the fault."""
    fault = next(one for one in faults() if one.later)
    said = [SaidAlarm("spikes", "warning", 120), SaidAlarm("nan", "error", 103, " ".join(fault.cause))]
    found = results.cell(fault, heard(*said), {"spikes"})
    assert (found["heard"], found["kinds"], found["latency"], found["named"]) == ("own", ["nan"], 3, True)
    assert results.cell(fault, heard(said[0]), {"spikes"}) == {"heard": "usual"}
    assert results.cell(fault, heard(), set()) == {"heard": "none"}
    assert results.cell(fault, None, set()) == {"heard": "no verdict"}


def test_a_checker_of_short_runs_is_late_by_their_onset():
    """TrainCheck's runs are short: a fault that comes later comes at another step."""
    fault = next(one for one in faults() if one.later)
    onset = short(Run("", "plain", Settings())).settings.onset
    said = heard(SaidAlarm("a", "error", onset + 2), tool="traincheck")
    assert results.cell(fault, said, set())["latency"] == 2


def test_the_page_says_what_was_kept():
    """Both tables are those of the stored results."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    page = (results.FOLDER / "README.md").read_text(encoding="utf-8")
    assert results.on_page(page, kept) == page
    assert set(kept["faults"]) == {fault.id for fault in faults()}
    assert set(kept["tools"]) == set(GIVEN)
    assert os.path.getsize(KEPT) < 200_000


def test_the_tables_have_a_row_for_each_checker_and_fault():
    """And cells for every column."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    for table, rows in ((tools_table(kept), len(GIVEN)), (faults_table(kept), len(faults()))):
        lines = table.splitlines()
        assert len(lines) == rows + 2
        assert len({line.count("|") for line in lines}) == 1
