"""Every number of a comparison's message and document is the one that its words name."""

from __future__ import annotations

import json
import re

import pytest

from neuromf.comparison.comparator import Comparison, ComparisonVerdict, Divergence, Tolerance
from neuromf.comparison.message import Context, explain, where_different
from neuromf.comparison.stages import STAGES, stage_of
from neuromf.trace.columns import COLUMNS, NAMES
from tests.support.command_line import run_command
from tests.support.reported_run import write_run
from tests.support.told_numbers import FLOATS, cell, telling_rows

pytestmark = pytest.mark.law("OBS-002")

ROWS = telling_rows(12)
TOLERANCES = {name: Tolerance(rtol=1e-4, atol=1e-9, noise=1e-6 * (place + 1)) for place, name in enumerate(FLOATS)}


def changed(step: int, column: str, factor: float, rows=ROWS):
    """The same rows with one cell multiplied."""
    return [row | ({column: cell(row, column) * factor} if row["step"] == step else {}) for row in rows]


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("golden") / "golden", rows=ROWS)


@pytest.mark.parametrize("column", ["t_mean", "rho", "raw_mf", "clip_frac", "ema_gap"])
def test_a_difference_is_told_with_its_step_column_and_both_numbers(golden, tmp_path, monkeypatch, capsys, column):
    """In words and as JSON: golden's number is golden's, and a column is of its own stage."""
    rows = changed(7, column, 1.25, changed(9, "ema_gap", 2.0))
    run = write_run(tmp_path / "run", rows=rows)
    told = run_command(monkeypatch, capsys, "compare", run, golden).stdout
    old, new = cell(ROWS[7], column), cell(rows[7], column)
    stage = next(c.stage for c in COLUMNS if c.name == column)
    assert f"{len(ROWS)} steps compared" in told
    assert f"first divergence: step 7, column {column} (stage {stage}: {STAGES[stage].what})" in told
    assert f"golden {old:.9g}, found {new:.9g} (25 % off)" in told
    assert f"laws: {', '.join(STAGES[stage].laws)}\n" in told
    before = [name for name in NAMES if NAMES.index(name) < NAMES.index(column)]
    assert f"equal up to there: {' '.join(before)}\n" in told
    others = "nothing" if column == "ema_gap" else "ema_gap in 1 steps"
    assert f"also beyond tolerance: {others}\n" in told
    document = json.loads(run_command(monkeypatch, capsys, "compare", run, golden, "--json").stdout)
    first = document["first"]
    assert (first["step"], first["column"], first["stage"]) == (7, column, stage)
    assert (first["golden"], first["actual"]) == (pytest.approx(old), pytest.approx(new))
    assert document["unchanged"] == before
    assert document["differing"] == ({column: 2} if column == "ema_gap" else {column: 1, "ema_gap": 1})


@pytest.mark.parametrize("column", FLOATS)
def test_a_distance_is_measured_in_the_noise_of_its_own_column(column):
    """Ten per cent are so many times what benign changes make of this column."""
    first = Divergence(3, column, stage_of(column).name, 2.0, 2.2)
    comparison = Comparison(ComparisonVerdict.REGRESSED, 5, first, (), {column: 4, "step": 2})
    told = explain(comparison, Context("a against b", TOLERANCES, {"x.y": (1, 2)}, "go on"))
    assert f"(10 % off, {0.1 / TOLERANCES[column].noise:.3g} times the measured noise)" in told
    assert "also beyond tolerance: step in 2 steps" in told
    assert "configuration: x.y 1 -> 2" in told
    assert told.splitlines()[0] == "REGRESSED a against b: 5 steps compared"
    assert where_different(comparison) == f"differs first at step 3, column {column}"


def test_a_number_that_is_not_finite_is_told_with_its_own_step():
    """Beside the first difference, which is elsewhere."""
    first, broken = Divergence(3, "lr", "optimiser", 2.0, 2.5), Divergence(5, "rho", "derivative", 7.5, float("nan"))
    told = explain(Comparison(ComparisonVerdict.NONFINITE, 8, first, (), {}, "", broken), Context("a"))
    assert "first divergence: step 3, column lr" in told
    assert "first number that is not finite: step 5, column rho, golden 7.5, found nan" in told
    assert re.findall(r"(?<!\w)golden ([\d.]+), found ([\w.]+)", told) == [("2", "2.5"), ("7.5", "nan")]
