"""The simulation: a part of the stored one is made again, and what is stored meets the bars."""

from pathlib import Path

import pandas as pd
import pytest

from neuromf.bisect.hypotheses import contains
from tests.support.command_line import run_command
from tools.__main__ import app
from tools.studies.bisect_simulation.scenarios import SCENARIOS, draw
from tools.studies.bisect_simulation.simulation import ENGINE, RIVALS, engine_trial, simulate
from tools.studies.bisect_simulation.simulation_table import (
    BARRED,
    EXACT_BAR,
    TrialShare,
    markdown,
    read_trials,
    trial_frame,
    within_bar,
)

GOLDEN = Path(__file__).parents[3] / "golden/bisect"
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture(scope="module")
def stored():
    """Trials as they were stored."""
    return read_trials(GOLDEN / "simulation.csv")


def engine_rows(stored, name):
    return stored[(stored["scenario"] == name) & (stored["algorithm"] == ENGINE)]


@pytest.mark.parametrize("name", BARRED)
def test_the_stored_simulation_meets_the_bar(stored, name):
    """At least 95 % exact within 25 probes plus verification for causes of one, two and three deltas, of 300 each."""
    rows = engine_rows(stored, name)
    assert list(rows["trial"]) == list(range(300))
    assert within_bar(rows).value >= EXACT_BAR


def test_a_part_of_the_simulation_comes_out_as_stored(stored):
    """Two draws of every breakage by every algorithm, number by number."""
    made = trial_frame(simulate(range(2)))
    kept = stored[stored["trial"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(made, kept)


def test_other_draws_meet_the_bar_too():
    """Ten draws of each size that are not stored: 30 of 30 exact within 25 probes, or all but one."""
    rows = [engine_trial(name, t, draw(BY_NAME[name], t)) for name in BARRED for t in range(9_000, 9_010)]
    assert within_bar(trial_frame(rows)).hits >= 29


def test_no_rival_is_as_often_right_as_the_bisect_for_three_deltas(stored):
    """Within 25 probes every rival is exact less often, on the same draws."""
    rows = stored[stored["scenario"] == "k3"]
    shares = {name: within_bar(rows[rows["algorithm"] == name]).value for name in (ENGINE, *RIVALS)}
    assert max(shares, key=lambda name: shares[name]) == ENGINE
    assert all(shares[name] < EXACT_BAR for name in RIVALS)


def test_the_stored_table_is_made_of_the_stored_trials(stored):
    """What is read is what was measured."""
    assert (GOLDEN / "table.md").read_text(encoding="utf-8") == markdown(stored)


def test_a_share_is_printed_with_its_wilson_interval():
    """95 of 100: 88.8 to 97.8 % (E. B. Wilson's formula by hand)."""
    assert str(TrialShare(95, 100)) == "95.0 (88.8..97.8)"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_drawn_causes_are_of_the_sizes_asked_and_independent(scenario):
    """None contains another, and the same number draws the same."""
    for trial in range(20):
        causes = draw(scenario, trial).causes
        assert sorted(cause.bit_count() for cause in causes) == sorted(scenario.sizes)
        assert not any(a != b and contains(a, b) for a in causes for b in causes)
        assert draw(scenario, trial) == draw(scenario, trial)


def test_the_command_writes_trials_and_table(monkeypatch, capsys, tmp_path):
    """One draw of each breakage."""
    result = run_command(monkeypatch, capsys, "bisect-simulate", "--trials", 1, "--out", tmp_path / "out", app=app)
    assert result.returncode == 0
    written = read_trials(tmp_path / "out/simulation.csv")
    assert (tmp_path / "out/table.md").read_text() == markdown(written)
    assert set(written["scenario"]) == set(BY_NAME)


def test_a_file_in_the_place_of_the_folder_is_refused(monkeypatch, capsys, tmp_path):
    """One sentence, exit code 2, the file kept."""
    (tmp_path / "out").write_text("mine")
    result = run_command(monkeypatch, capsys, "bisect-simulate", "--out", tmp_path / "out", app=app)
    assert result.returncode == 2
    assert "is a file; give a folder." in result.stderr
    assert (tmp_path / "out").read_text() == "mine"
