"""A run that validates, as `watch` and `report` show it."""

import json
from dataclasses import asdict

import pytest

from neuromf.report.headline import headline
from neuromf.report.run_facts import read_runs
from neuromf.report.run_page import run_page
from neuromf.report.validation_charts import validation_pictures
from neuromf.training.records.run_folder import RunFolder
from neuromf.watch.document import document
from neuromf.watch.screen import ending_line, screen, status_line
from neuromf.watch.status import RunState
from neuromf.watch.watcher import Watcher
from tests.support.reported_run import trace_rows, write_run
from tests.support.validations import validation_rows, write_validations

KEYS = ("training.validate_every_epochs=1", "training.early_stop_patience=2")
SAID = "val_total 0.85 after epoch 4, best 0.8 after epoch 2"


def run_with(root, values, steps=12):
    """A run of 24 steps, of which so many are made, with these validations."""
    folder = write_run(root, *KEYS, rows=trace_rows(steps))
    rows = validation_rows(values)
    write_validations(RunFolder(folder).validations, rows)
    return folder, rows


@pytest.fixture
def stopped(tmp_path):
    """Of the third and fourth validation none was a best: it stopped early, after 12 of 24 steps."""
    return run_with(tmp_path / "run", [0.9, 0.8, 0.82, 0.85])


def test_a_run_that_stopped_early_has_finished_and_says_why(stopped):
    """Exit code 0: no further row follows."""
    view = Watcher(stopped[0]).look()
    assert view.status.state is RunState.FINISHED
    assert ending_line(view) == (
        "finished: stopped early, val_total has not improved in 2 validations; its best was 0.8 after epoch 2 "
        "(exit code 0)"
    )
    assert headline(read_runs([stopped[0]])[0]).sentence.startswith("ended early, after 12 of 24 optimiser steps: ")


def test_a_run_that_may_still_improve_goes_on(tmp_path):
    """One validation without a best of two."""
    folder, _ = run_with(tmp_path / "run", [0.9, 0.8, 0.82], steps=10)
    assert Watcher(folder).look().status.state is not RunState.FINISHED


def test_a_validation_of_steps_that_a_resume_makes_again_stops_nothing(tmp_path):
    """Rows beyond the trace's end are not this part's."""
    folder, _ = run_with(tmp_path / "run", [0.9, 0.8, 0.82, 0.85], steps=11)
    assert Watcher(folder).look().status.state is not RunState.FINISHED


def test_watch_shows_the_newest_validation(stopped, capsys):
    """On the screen, on a line, and in JSON under the table's names."""
    folder, rows = stopped
    view = Watcher(folder).look()
    assert SAID in status_line(view)
    from rich.console import Console

    Console(width=300).print(screen(view, "run"))
    assert f"validation: {SAID}" in capsys.readouterr().out
    assert document(view)["validation"] == json.loads(json.dumps(asdict(rows[-1])))


def test_a_run_without_validations_says_nothing_of_them(tmp_path):
    """Neither watch nor report."""
    folder = write_run(tmp_path / "run")
    view = Watcher(folder).look()
    assert (view.validation, document(view)["validation"]) == ("", None)
    runs = read_runs([folder])
    assert validation_pictures(runs) == []
    assert headline(runs[0]).held_out == ""


def test_the_report_draws_both_losses_and_the_gap(stopped, tmp_path):
    """Of one run and beside another, with the sentence in the headline."""
    run = read_runs([stopped[0]])[0]
    assert headline(run).held_out.startswith(SAID)
    first, second = validation_pictures([run])
    assert all(word in first.svg for word in ("held-out scans", "training scans"))
    assert all(word in second.svg for word in ("gap", "99.9 % interval"))
    page = run_page([run], decoded=False)
    assert SAID in page
    assert "Validation: scans that are not trained on" in page
    both = read_runs([stopped[0], write_run(tmp_path / "other")])
    assert "other" not in validation_pictures(both)[0].svg
