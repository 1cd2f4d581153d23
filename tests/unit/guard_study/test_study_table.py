"""The study's rows as files, intervals, targets and text."""

import numpy as np
import pandas as pd
import pytest

from neuromf.errors import InputError
from tools.studies.guard.epochs import first_epochs, first_speakers, spread
from tools.studies.guard.noise import LEVELS
from tools.studies.guard.rules import SIMULATED
from tools.studies.guard.simulate import curves, plan
from tools.studies.guard.store import MEASURES, read_study, study_of, write_study
from tools.studies.guard.table import table
from tools.studies.guard.targets import targets
from tools.studies.guard.wilson import RunShare

QUIET = dict.fromkeys(MEASURES, 0.5)


def simulated(**changes):
    """One run of each curve and noise; recorded ones are warned of and halted as they should be."""
    rows = []
    for series in plan(1):
        curve = curves()[series.curve]
        heard = {} if curve.healthy else {"GUARD-004 warn": 29, "GUARD-005 halt": 122 * curve.steps_per_epoch}
        heard |= changes if curve.name == "decay" else {}
        rows.append({"curve": curve.name, "noise": LEVELS[series.noise].name, "run": 0, **heard})
    return rows


def real(healthy=(), exploding=(("GUARD-006 warn", 89),), ratio=99.0):
    common = {"seed": 0, "steps": 600, "overrides": "a=b", **QUIET}
    return [
        {"kind": "exploding", **common, "largest_ratio": ratio, **dict(exploding)},
        {"kind": "healthy", **common, **dict(healthy)},
    ]


def longer(kind="healthy", **heard):
    common = {"seed": 0, "epochs": 60, "last_level": 0.5, "block_noise": 0.1}
    return [
        {"repair": "none", "kind": "exploding", **common, "GUARD-005 halt": 17},
        {"repair": "laws_together", "kind": kind, **common, **heard},
    ]


def missed(study):
    return [target.words for target in targets(study) if not target.met]


def test_an_interval_is_wilsons():
    """None of 3,000 leaves up to 0.13 %, as z^2 / (n + z^2) says."""
    low, high = RunShare(0, 3_000).interval
    assert low == 0
    assert high == pytest.approx(1.959964**2 / (3_000 + 1.959964**2), rel=1e-5)
    assert str(RunShare(5, 10)) == "5 of 10 (23.7..76.3 %)"


def test_a_study_without_a_false_alarm_meets_its_targets():
    """Silence on healthy runs, early words on the others."""
    assert missed(study_of(simulated(), real(), longer())) == []


@pytest.mark.parametrize(
    ("simulation", "training", "word"),
    [
        ({"GUARD-005 halt": 900}, real(), "simulated run is halted"),
        ({"GUARD-005 warn": 900}, real(), "simulated run is warned"),
        ({}, real(healthy=[("GUARD-001 halt", 3)]), "no healthy training is halted"),
        ({}, real(healthy=[("JVP-006 warn", 3)]), "no healthy training is warned"),
        ({}, real(exploding=[]), "exploding training is noticed"),
        ({}, real(ratio=2.0), "what they are called"),
    ],
)
def test_one_false_or_missing_alarm_misses_a_target(simulation, training, word):
    """Each target is lost by a single run."""
    assert any(word in target for target in missed(study_of(simulated(**simulation), training, longer())))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"GUARD-001 warn": 50}, "longer training is warned of"),
        ({"kind": "exploding", "GUARD-001 warn": 50}, "longer training is halted"),
    ],
)
def test_a_longer_training_misses_a_target_too(changes, word):
    """A word of a healthy one, or none that halts an exploding one."""
    assert any(word in target for target in missed(study_of(simulated(), real(), longer(**changes))))


@pytest.mark.parametrize(
    ("curve", "noise", "changes", "word"),
    [
        ("failed_225", "base", {"GUARD-004 warn": 25 * 30}, "warned of by epoch 24"),
        ("failed_225 from its start", "none", {"GUARD-004 warn": 25 * 30}, "warned of by epoch 24"),
        ("failed_225", "tripled", {"GUARD-005 halt": 126 * 30}, "halted by epoch 125"),
        ("failed_225", "doubled", {"GUARD-005 halt": None}, "halted by epoch 125"),
        ("public_v1", "base", {"GUARD-005 halt": 119 * 8}, "before epoch 120"),
    ],
)
def test_a_recorded_run_noticed_late_or_stopped_early_misses_a_target(curve, noise, changes, word):
    """Too late on the failed run, too early on the next one."""
    rows = [row | changes if (row["curve"], row["noise"]) == (curve, noise) else row for row in simulated()]
    assert any(word in target for target in missed(study_of(rows, real(), longer())))


def test_a_study_is_read_as_it_was_written(tmp_path):
    """Rows are stored in the order of the plan, empty cells stay empty, and the table follows from the files."""
    study = study_of(simulated()[::-1], real(), longer())
    write_study(study, table(study), tmp_path)
    again = read_study(tmp_path)
    pd.testing.assert_frame_equal(again.simulated, study.simulated)
    pd.testing.assert_frame_equal(again.real, study.real)
    pd.testing.assert_frame_equal(again.longer, study.longer)
    assert table(again) == (tmp_path / "table.md").read_text()
    assert list(again.real["kind"]) == ["healthy", "exploding"]
    assert again.simulated["curve"].iloc[0] == curves()[0].name


@pytest.mark.parametrize(("old", "new"), [("decay", "decoy"), ("GUARD-005 halt", "GUARD-005"), ("base,0", "base,-1")])
def test_rows_of_another_form_are_refused(tmp_path, old, new):
    """An unknown curve, another column, a negative number: a sentence with the file."""
    study = study_of(simulated(), real(), longer())
    write_study(study, table(study), tmp_path)
    file = tmp_path / "simulated.csv"
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=r"simulated\.csv"):
        read_study(tmp_path)


def test_a_study_that_is_not_there_is_refused(tmp_path):
    """Nothing is judged by an empty folder."""
    with pytest.raises(InputError, match="guard-study"):
        read_study(tmp_path)


def test_epochs_are_counted_in_the_runs_own_steps():
    """Step 959 is epoch 119 of a run with eight steps an epoch; never stays never."""
    rows = study_of(simulated(), real(), longer()).simulated
    following = rows[rows["curve"] == "public_v1"]
    assert list(first_epochs(following.assign(**{"GUARD-005 halt": [959, 960, pd.NA, 8]}), ["GUARD-005 halt"])) == [
        119,
        120,
        np.inf,
        1,
    ]


def test_percentiles_are_values_and_never_is_infinite():
    """Half of the runs unheard makes the late percentile infinite, not NaN."""
    found = spread(np.array([3.0, 5.0, np.inf, np.inf]))
    assert (found.early, found.median, found.late) == (3.0, 5.0, np.inf)
    assert str(found) == "5 (3..never)"


def test_the_rule_that_spoke_first_is_counted():
    """Runs in which none spoke count for none."""
    rows = study_of(simulated(), real(), longer()).simulated
    assert first_speakers(rows, SIMULATED) == {"GUARD-004 warn": 12}
    assert first_speakers(rows[rows["curve"] == "decay"], SIMULATED) == {}
