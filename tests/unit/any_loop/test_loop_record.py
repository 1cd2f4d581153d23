"""The record of a guard, and what watch, report and compare make of it."""

import json
import math

import pytest

from neuromf.any_loop.guard import Guard
from neuromf.errors import InputError
from neuromf.trace.reader import read_trace
from neuromf.watch.event_log import whole_events
from neuromf.watch.status import RunState
from neuromf.watch.watcher import Watcher
from tests.support.command_line import run_command


@pytest.fixture
def neuromf(monkeypatch, capsys):
    def call(*arguments):
        ended = run_command(monkeypatch, capsys, *arguments)
        return ended.returncode, ended.stdout, ended.stderr

    return call


def loop(folder, steps=40, *, close=True, state=None, scale=1.0, broken=None, **options):
    guard = Guard(folder, **options)
    if state is not None:
        guard.load_state_dict(state)
    first = guard.state_dict()["step"]
    for step in range(first, steps):
        loss = math.nan if step == broken else 2.0 / (1 + step)
        guard.step(loss, raw_loss=scale * loss, grad_norm=1.0 + step, lr=1e-3, accuracy=step / 100)
    if close:
        guard.close()
    return guard


def test_a_record_holds_what_the_loop_told(tmp_path):
    """A row a step under the names of a trace of ours, metrics of the loop under its own."""
    loop(tmp_path / "run", scale=3.0)
    table = read_trace(tmp_path / "run" / "trace.csv")
    assert list(table.columns) == ["step", "raw_total", "weighted", "grad_norm", "lr", "accuracy"]
    assert table["raw_total"].tolist() == pytest.approx([6.0 / (1 + step) for step in range(40)], rel=1e-8)
    assert table["weighted"].tolist() == pytest.approx([2.0 / (1 + step) for step in range(40)], rel=1e-8)
    assert table["accuracy"].iloc[-1] == 0.39


def test_a_metric_that_comes_late_gets_its_column(tmp_path):
    """The rows before it have an empty cell, those without it too."""
    guard = Guard(tmp_path / "run")
    guard.step(1.0)
    guard.step(0.9, val_loss=2.0)
    guard.step(0.8)
    text = (tmp_path / "run" / "trace.csv").read_text()
    assert text == "step,raw_total,val_loss\n0,1,\n1,0.899999976,2\n2,0.8,\n".replace("0.899999976", "0.9")


@pytest.mark.parametrize("name", ["a,b", 'quote"d', "two\nlines", "step", "batch_hash", ""])
def test_a_metric_of_any_name_leaves_the_trace_readable(tmp_path, name):
    """What would take a row apart, or stands for something else there, is written otherwise."""
    guard = Guard(tmp_path / "run")
    for step in range(3):
        guard.step(1.0, **{name: step})
    assert len(read_trace(tmp_path / "run" / "trace.csv").columns) == 3


def test_alarms_are_events(tmp_path):
    """Each once, with its law and numbers; a stop is a halt."""
    loop(tmp_path / "run", broken=7)
    events = whole_events(tmp_path / "run" / "events.jsonl")
    assert [(event.step, event.level, event.law) for event in events] == [(7, "halt", "NUM-001")]
    assert "loss nan" in events[0].value


@pytest.mark.law("CKPT-001")
def test_a_loop_that_goes_on_makes_its_later_steps_again(tmp_path):
    """Rows and alarms from the state's step on are replaced; the record is that of a loop that was not cut."""
    loop(tmp_path / "whole", 40)
    state = loop(tmp_path / "cut", 25).state_dict()
    loop(tmp_path / "cut", 33, state=state, broken=30)
    loop(tmp_path / "cut", 40, state=state)
    assert (tmp_path / "cut/trace.csv").read_bytes() == (tmp_path / "whole/trace.csv").read_bytes()
    assert whole_events(tmp_path / "cut" / "events.jsonl") == []


def test_a_folder_with_a_record_is_not_overwritten(tmp_path):
    """Unless it is asked for; any other folder never is."""
    loop(tmp_path / "run", 5)
    with pytest.raises(InputError, match=r"already holds a record .*give another folder, or say replace=True"):
        loop(tmp_path / "run", 5)
    loop(tmp_path / "run", 6, replace=True)
    assert len(read_trace(tmp_path / "run" / "trace.csv")) == 6
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="already holds"):
        loop(tmp_path / "other", 5, replace=True)
    assert (tmp_path / "other" / "thesis.txt").exists()


def test_a_state_without_its_record_is_refused(tmp_path):
    """No folder, or one of which rows are missing."""
    state = loop(tmp_path / "run", 9).state_dict()
    with pytest.raises(InputError, match="first 9 steps"):
        loop(tmp_path / "elsewhere", 12, state=state)
    trace = tmp_path / "run" / "trace.csv"
    trace.write_text("".join(trace.read_text().splitlines(keepends=True)[:5]))
    with pytest.raises(InputError, match="steps 0 to 8 are not all there"):
        loop(tmp_path / "run", 12, state=state)


def test_a_disk_that_refuses_the_record_ends_no_loop(tmp_path, caplog):
    """It is told once, and the verdicts go on."""
    guard = loop(tmp_path / "run", 3, close=False)

    def refuse(*_):
        raise OSError(28, "no space left")

    guard._record._trace.append = refuse
    guard._record._pace.done = refuse
    assert not guard.step(0.5).stop
    assert guard.step(math.nan).stop
    assert [record.getMessage() for record in caplog.records if "not whole" in record.getMessage()] == [
        "neuromf: the guard's record is not whole ([Errno 28] no space left); the loop goes on"
    ]


def test_another_rank_writes_nothing(tmp_path, monkeypatch):
    """One process writes the record, however many make a guard."""
    monkeypatch.setenv("RANK", "1")
    loop(tmp_path / "run", 3)
    assert not (tmp_path / "run").exists()


def state_of(folder):
    return Watcher(folder).look().status


def test_a_watch_says_how_a_loop_stands(tmp_path):
    """Running, finished when its guard is closed, halted where the guard said stop and nothing followed."""
    guard = loop(tmp_path / "run", 20, close=False)
    assert (state_of(tmp_path / "run").state, state_of(tmp_path / "run").total) == (RunState.RUNNING, None)
    guard.close()
    assert state_of(tmp_path / "run").state is RunState.FINISHED
    loop(tmp_path / "stopped", 10, broken=9)
    assert state_of(tmp_path / "stopped").state is RunState.HALTED
    loop(tmp_path / "ignored", 30, broken=9, close=False)
    ignored = state_of(tmp_path / "ignored")
    assert ignored.state is RunState.RUNNING
    assert "although its guard said stop at step 9, by NUM-001" in ignored.reason
    loop(tmp_path / "done", 20, close=False, total_steps=20)
    assert state_of(tmp_path / "done").state is RunState.FINISHED


@pytest.mark.law("OBS-002")
def test_a_loop_that_is_silent_is_said_to_be(tmp_path):
    """An hour without a step, and no end."""
    loop(tmp_path / "run", 20, close=False)
    pace = tmp_path / "run" / "pace.csv"
    rows = [line.split(",") for line in pace.read_text().splitlines()[1:]]
    older = "".join(f"{session},{step},{float(seconds) - 3600:.3f}\n" for session, step, seconds in rows)
    pace.write_text("session,step,seconds\n" + older)
    status = state_of(tmp_path / "run")
    assert status.state is RunState.SILENT
    assert "did not close its guard" in status.reason


def test_the_screen_shows_the_loops_own_columns(tmp_path, neuromf):
    """And says in a sentence what is not known."""
    loop(tmp_path / "run")
    code, out, _ = neuromf("watch", tmp_path / "run", "--once")
    text = " ".join(out.split())
    assert code == 0
    assert "whose configuration is not known" in text
    assert "step 40," in text
    assert all(name in text for name in ("raw_total", "weighted", "grad_norm", "lr", "accuracy"))
    assert "in the units of the loop" in text
    assert "raw_mf" not in text


def test_the_document_and_the_log_line_hold_the_same(tmp_path, neuromf):
    """JSON has null for a length that is not known."""
    loop(tmp_path / "run", broken=39)
    code, out, _ = neuromf("watch", tmp_path / "run", "--json")
    document = json.loads(out)
    assert (code, document["state"], document["total"], document["step"]) == (16, "halted", None, 40)
    assert document["quantities"]["accuracy"]["last"] == 0.39
    code, out, _ = neuromf("watch", tmp_path / "run")
    assert code == 16
    assert "halt at step 39, law NUM-001" in out
    assert "halted: step 40, " in out
    assert "accuracy 0.39" in out


def test_two_records_are_compared(tmp_path, neuromf):
    """The first step and column in which they part; a metric of the loop has a stage of its own."""
    loop(tmp_path / "one")
    loop(tmp_path / "two")
    assert neuromf("compare", tmp_path / "one", tmp_path / "two")[0] == 0
    trace = tmp_path / "two" / "trace.csv"
    rows = trace.read_text().splitlines()
    rows[8] = rows[8].replace(",0.07", ",0.5")
    trace.write_text("\n".join(rows) + "\n")
    code, out, _ = neuromf("compare", tmp_path / "two", tmp_path / "one")
    assert code == 1
    assert "step 7, column accuracy (stage metric: what the loop itself tells)" in out
    assert "configuration: not known of both" in out


def test_records_of_other_columns_are_told_apart(tmp_path, neuromf):
    """What one of them has besides is named, and that is no PASS."""
    loop(tmp_path / "one")
    guard = Guard(tmp_path / "two")
    for step in range(40):
        guard.step(2.0 / (1 + step))
    code, out, _ = neuromf("compare", tmp_path / "one", tmp_path / "two")
    assert code == 1
    assert "accuracy" in out


def test_a_report_says_what_is_known_and_what_is_not(tmp_path, neuromf):
    """One page for one loop or several: losses, metrics, alarms with their laws."""
    loop(tmp_path / "one", broken=39)
    loop(tmp_path / "two")
    page = tmp_path / "page.html"
    code, out, _ = neuromf("report", tmp_path / "one", tmp_path / "two", "--out", page)
    text = page.read_text()
    assert code == 0
    assert "one: halted after 40 steps: its guard said stop, by NUM-001" in out
    for words in ("whose configuration is not known", "accuracy", "NUM-001", "HALTED", "FINISHED", "2 loops",
                  "Alarms of NUM-001."):  # fmt: skip
        assert words in text


def test_loops_and_runs_of_ours_stand_on_pages_of_their_own(tmp_path, neuromf):
    """What is not of its kind is named."""
    loop(tmp_path / "one")
    (tmp_path / "two").mkdir()
    code, _, error = neuromf("report", tmp_path / "one", tmp_path / "two", "--out", tmp_path / "page.html")
    assert code == 2
    assert "two" in error
    assert "one kind at a time" in error


@pytest.mark.parametrize("text", ["", "{", "[]", '{"total_steps": "many"}', '{"total_steps": 0}'])
def test_a_record_that_was_damaged_is_refused(tmp_path, text):
    """With the file that is not readable."""
    loop(tmp_path / "run")
    (tmp_path / "run" / "guard.json").write_text(text)
    with pytest.raises(InputError, match=r"guard\.json"):
        Watcher(tmp_path / "run").look()
