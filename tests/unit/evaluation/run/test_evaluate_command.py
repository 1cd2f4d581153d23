"""`neuromf evaluate`: its exit codes, what it prints and writes, and what it refuses."""

import json

import pytest

from neuromf.evaluation.metrics.catalogue import MEASURES
from neuromf.evaluation.subject import EvaluatedRun
from tests.support.command_line import run_command

SHORT = ("--n", "8", "--evaluations", "2,1", "--device", "cpu")


@pytest.fixture
def command(monkeypatch, capsys):
    """The command, in this process."""
    return lambda *arguments: run_command(monkeypatch, capsys, "evaluate", *arguments)


def draw(monkeypatch, make):
    monkeypatch.setattr(EvaluatedRun, "draw", lambda subject, steps, count, *_: make(subject)[:count])


def test_it_prints_numbers_verdicts_and_an_answer(command, evaluated_run):
    """Plain text where it is piped: every measure, every law, and one line at the end."""
    ended = command(evaluated_run, *SHORT)
    for measure in MEASURES:
        assert measure.title in ended.stdout
    for law_id in ("EVAL-001", "EVAL-002", "EVAL-003", "EVAL-004"):
        assert law_id in ended.stdout
    assert "against 24 scans of 24 subjects held out (validation and test)" in ended.stdout
    assert ended.stdout.splitlines()[-1].split()[0] in ("PASS", "FAILED", "CANNOT")
    assert "\x1b" not in ended.stdout


@pytest.mark.law("OBS-003")
@pytest.mark.parametrize(
    ("splits", "code", "answer"), [("validation", 0, "PASS"), ("train", 1, "FAILED")], ids=["fresh", "copied"]
)
def test_the_exit_code_is_the_verdict(monkeypatch, command, evaluated_run, splits, code, answer):
    """0 for scans that nobody saw, 1 for training scans."""
    draw(monkeypatch, lambda subject: subject.store.split(splits))
    ended = command(evaluated_run, "--n", "12", "--evaluations", "1,2", "--split", "test")
    assert ended.returncode == code
    assert ended.stdout.splitlines()[-1].startswith(answer)


def test_it_cannot_tell_by_few_subjects(command, evaluated_run, monkeypatch):
    """Exit code 3, with how many would do."""
    monkeypatch.setattr("neuromf.evaluation.material.MOST_HELD_OUT", 5)
    ended = command(evaluated_run, *SHORT)
    assert ended.returncode == 3
    assert "5 held-out subjects are too few for an interval; 8 would do" in ended.stdout


def test_json_holds_what_the_screen_says(command, evaluated_run, tmp_path):
    """As a file beside the text, and on standard output alone."""
    file = tmp_path / "evaluation.json"
    ended = command(evaluated_run, *SHORT, "--json", file)
    document = json.loads(file.read_text())
    assert document["exit_code"] == ended.returncode
    assert [row["evaluations"] for row in document["rows"]] == [1, 2, None, None]
    assert [verdict["law_id"] for verdict in document["verdicts"]] == [f"EVAL-00{place}" for place in (1, 2, 3, 4)]
    alone = json.loads(command(evaluated_run, *SHORT, "--json", "-").stdout)
    assert alone["rows"] == document["rows"]


def test_the_page_stands_alone(command, evaluated_run, tmp_path):
    """One file with heads, charts and numbers that loads nothing from anywhere."""
    page = tmp_path / "page.html"
    command(evaluated_run, *SHORT, "--report", page)
    text = page.read_text()
    assert text.count("data:image/png") == 6  # held-out, two of samples, the worst, nearest and their scans
    assert text.count("<svg") == 6
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert all(measure.title in text for measure in MEASURES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--evaluations", "1,x"), "--evaluations: '1,x' is no list of numbers"),
        (("--evaluations", "0"), "--evaluations: '0' is no list of numbers"),
        (("--split", "train"), "--split: there is no 'train'; say one of held-out, validation, test"),
        (("--images", "none"), "--images: there is no 'none'; say one of ends, all"),
        (("--features", "nothing.pt"), "nothing.pt: --features: there is no such file"),
        (("--checkpoint", "99"), "step_00000099: the checkpoint is not whole"),
        (("--json", "/nowhere/e.json"), "/nowhere/e.json: --json: cannot be written"),
        (("--report", "/nowhere/e.html"), "/nowhere/e.html: --report: cannot be written"),
    ],
)
def test_bad_input_ends_in_a_sentence(command, evaluated_run, arguments, said):
    """Exit code 2, before anything is computed or written."""
    ended = command(evaluated_run, *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_no_run_is_no_run(command, tmp_path):
    """An empty folder."""
    ended = command(tmp_path)
    assert ended.returncode == 2
    assert "holds no run" in ended.stderr
