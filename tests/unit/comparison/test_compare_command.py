"""`neuromf compare` on the traces of runs that broke down, as the trainer leaves them."""

import json
import math

import pytest

from tests.support.command_line import run_command
from tests.support.fake_run import FakeRun


@pytest.fixture
def neuromf(monkeypatch, capsys):
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


def broken_run(root, **cells):
    """Five steps, the last of which is NaN in the loss; step 2 with other cells."""
    run = FakeRun(root)
    run.write(2)
    run.write(3, first=2, **cells)
    run.write(4, first=3)
    run.write(5, first=4, raw_total=math.nan, weighted=math.nan, grad_norm=math.inf)
    return run.root


@pytest.mark.law("CMP-001")
def test_a_run_that_ended_in_nan_is_compared(tmp_path, neuromf):
    """The one run that must be compared is: where it left the other is told, and that it broke down."""
    shown = neuromf("compare", broken_run(tmp_path / "a", lr=0.5), broken_run(tmp_path / "b"))
    assert (shown.returncode, shown.stderr) == (1, "")
    assert shown.stdout.startswith("NONFINITE")
    assert "first divergence: step 2, column lr" in shown.stdout
    assert "first number that is not finite: step 4, column raw_total, golden nan, found nan" in shown.stdout


def test_two_runs_that_broke_down_alike_do_not_pass(tmp_path, neuromf):
    """No cell differs, and the exit code is that of a failure."""
    shown = neuromf("compare", broken_run(tmp_path / "a"), broken_run(tmp_path / "b"))
    assert shown.returncode == 1
    assert "no cell differs" in shown.stdout
    assert "next: neuromf laws show" in shown.stdout


def test_the_document_of_a_broken_run_is_read_by_strict_parsers(tmp_path, neuromf):
    """JSON has no NaN: the number is its name."""
    shown = neuromf("compare", broken_run(tmp_path / "a"), broken_run(tmp_path / "b"), "--json")
    document = json.loads(shown.stdout, parse_constant=pytest.fail)
    assert (document["verdict"], document["first"]) == ("NONFINITE", None)
    assert (document["not_finite"]["column"], document["not_finite"]["golden"]) == ("raw_total", "nan")


@pytest.mark.law("OBS-002")
def test_the_keys_in_which_two_runs_differ_are_told_where_they_parted(tmp_path, neuromf):
    """The golden's value, then the run's; JSON has the same."""
    runs = []
    for name, rate, loss in (("run", "0.002", 3.0), ("golden", "0.001", 2.0)):
        run = FakeRun(tmp_path / name, f"training.learning_rate={rate}")
        run.write(3, raw_total=loss)
        runs.append(run.root)
    shown = neuromf("compare", *runs)
    assert "  configuration: training.learning_rate 0.001 -> 0.002\n" in shown.stdout
    document = json.loads(neuromf("compare", *runs, "--json").stdout)
    assert document["config"] == {"training.learning_rate": [0.001, 0.002]}
