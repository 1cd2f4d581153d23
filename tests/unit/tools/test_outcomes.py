"""Hits and false alarms of the static gate on published runs."""

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neuromf.errors import InputError
from neuromf.gate.result import LawResult
from tools.outcomes.__main__ import app
from tools.outcomes.bars import missed_bars
from tools.outcomes.confusion import Confusion, JudgedRun, Rate, confusion, judge_runs
from tools.outcomes.published import PublishedRun, read_runs
from tools.outcomes.tables import laws_table, words_table

FOLDER = Path(__file__).parents[3] / "golden/public_configs"
HEADER = "name,source,outcome,notes\n"


def result(law_id, status):
    texts = dict.fromkeys(("title", "key", "bound", "unit", "detail", "remedy", "passing_value", "source"), "")
    return LawResult(law_id=law_id, status=status, value=0.0, where="static", value_source="", **texts)


def judged(good, *statuses, strength="strong", by_code=False):
    run = PublishedRun("r", good, strength, by_code, Path("r.yaml"))
    return JudgedRun(run, tuple(result(f"LAW-{number:03}", status) for number, status in enumerate(statuses)))


def write(folder, rows, *names):
    (folder / "outcomes.csv").write_text(HEADER + rows)
    for name in names:
        (folder / f"{name}.yaml").write_text("extends: recommended\n")
    return folder


def test_the_shipped_runs_are_told_apart():
    """Of the published runs that are kept no good one is blocked, 5 of 8 bad ones are, 12 of 13 good get no warning."""
    counts = confusion(judge_runs(read_runs(FOLDER)))
    assert (counts.false_alarms, counts.hits, counts.clean) == (Rate(0, 13), Rate(5, 8), Rate(12, 13))
    assert list(missed_bars(counts)) == []


def test_weak_evidence_and_faults_of_code_are_not_counted():
    """A rate counts strong and partial evidence alone, and no run that failed by its code."""
    entries = [
        judged(True, "block"),
        judged(True, "warn", strength="partial"),
        judged(True, "pass", "info"),
        judged(True, "block", strength="weak"),
        judged(False, "block"),
        judged(False, "pass", by_code=True),
        judged(False, "warn"),
    ]
    counts = confusion(entries)
    assert counts == Confusion(Rate(1, 3), Rate(1, 2), Rate(1, 3), Rate(2, 2))
    assert "| all | 2 / 1 / 1 | 1 / 1 / 0 |" in words_table(entries)
    assert "| strong and partial | 1 / 1 / 1 | 1 / 1 / 0 |" in words_table(entries)


def test_a_policy_is_no_alarm():
    """Safety gear that is missing predicts nothing: such a run counts as clean."""
    assert judged(True, "policy", "info").word == "clean"


def test_each_law_has_its_own_false_alarms_and_hits():
    """The table of laws counts good and bad runs by what the law says, and lists those that say nothing."""
    table = laws_table([judged(True, "block", "pass"), judged(False, "block", "pass"), judged(False, "warn", "pass")])
    row = next(line for line in table.splitlines() if "LAW-000" in line)
    assert [cell.split(" (")[0].strip() for cell in row.split("|")[2:8]] == [
        "1 of 1", "1 of 2", "0 of 1", "1 of 2", "0 of 1", "0 of 2",
    ]  # fmt: skip
    assert table.endswith("Say nothing of any of these runs: LAW-001.\n")


def test_an_interval_is_wilsons():
    """5 of 8 lie in 0.306 to 0.863, by Wilson's formula."""
    z, n, p = 1.959964, 8, 5 / 8
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = Rate(5, 8).interval
    assert low == pytest.approx((middle - half) / (1 + z * z / n), abs=1e-6)
    assert high == pytest.approx((middle + half) / (1 + z * z / n), abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "missed"),
    [
        (Confusion(Rate(1, 13), Rate(5, 8), Rate(4, 5), Rate(8, 8)), 0),
        (Confusion(Rate(2, 13), Rate(5, 8), Rate(4, 5), Rate(8, 8)), 1),
        (Confusion(Rate(1, 13), Rate(4, 8), Rate(4, 5), Rate(8, 8)), 1),
        (Confusion(Rate(1, 13), Rate(5, 8), Rate(10, 13), Rate(8, 8)), 1),
        (Confusion(Rate(0, 0), Rate(0, 0), Rate(0, 0), Rate(0, 0)), 0),
    ],
)
def test_each_bar_is_held_to_its_own_number(counts, missed):
    """1 of 13 false alarms, 5 of 8 hits and 4 of 5 clean are enough; one worse in any is told."""
    assert len(list(missed_bars(counts))) == missed


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,s,great,strong\n", "outcome 'great'"),
        ("a,s,good: fine,sure\n", "how strong"),
        ("a,s,good: fine,strong\na,s,bad: lost,strong\n", "twice"),
        ("b,s,good: fine,strong\n", "b.yaml"),
        ("a,s\n", "outcome ''"),
    ],
)
def test_a_table_that_does_not_say_what_is_asked_is_refused(tmp_path, rows, said):
    """Each thing that a row must say is asked for in one sentence that names the file."""
    with pytest.raises(InputError, match=said):
        read_runs(write(tmp_path, rows, "a"))


def test_the_command_says_whether_the_bars_hold(tmp_path):
    """Exit code 0 on a folder whose bars hold, 1 on one where a bad run passes; the JSON names it."""
    shipped = CliRunner().invoke(app, [str(FOLDER)])
    missed = write(tmp_path, "a,s,bad: lost,strong; x\n", "a")
    failed = CliRunner().invoke(app, [str(missed), "--json", str(tmp_path / "out.json")])
    assert (shipped.exit_code, failed.exit_code) == (0, 1)
    assert "MISSED: 0 of 1" in failed.output
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["runs"] == [{"name": "a", "gate": "clean", "blocked": [], "warned": []}]
