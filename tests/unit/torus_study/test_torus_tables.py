"""What the torus study makes of its rows, and that the kept tables are those of the kept rows."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neuromf.cli.app import run
from neuromf.errors import InputError
from neuromf.torus.recipe import TorusTraining
from tools.__main__ import app
from tools.studies.torus import plan, tables
from tools.studies.torus.plan import SCALE_SEEDS, SHARE_SEEDS, ScaleSetting, scale_settings, share_settings
from tools.studies.torus.study import BLOCK, collect, readings, scale_rows, share_rows


@pytest.fixture(scope="module")
def shares():
    """The kept sweep."""
    return tables.read_rows("data_proportion", tables.SHARE_SCHEMA)


@pytest.fixture(scope="module")
def scales():
    """The kept study of the time scale."""
    return tables.read_rows("time_scale", tables.SCALE_SCHEMA)


def test_the_kept_tables_say_what_the_kept_rows_say(shares, scales):
    """Both tables of the folder's README are made of its rows."""
    text = (tables.FOLDER / "README.md").read_text(encoding="utf-8")
    assert tables.share_table(shares) in text
    assert tables.scale_table(scales) in text


def test_the_kept_rows_are_those_that_are_planned(shares, scales):
    """Every planned setting is there with every seed, and nothing else."""
    asked = [(s.objective, s.dims, s.share, seed) for s in share_settings() for seed in SHARE_SEEDS]
    assert list(shares[["objective", "dims", "share", "seed"]].itertuples(index=False, name=None)) == asked
    asked = [(*(getattr(s, name) for name in tables.SETTING), seed) for s in scale_settings() for seed in SCALE_SEEDS]
    assert list(scales[[*tables.SETTING, "seed"]].itertuples(index=False, name=None)) == asked


def trained(mean_flow):
    """A training of two seeds with this raw MF loss in the second."""
    raw = np.ones((2 * BLOCK, 2))
    raw[:, 1] = mean_flow
    samples = np.random.default_rng(0).standard_normal((2, 64, 4))
    return TorusTraining(samples, np.full_like(raw, 0.5), raw)


def test_a_reading_is_the_median_of_a_block():
    """One wild step in a block moves no reading; a block that is high moves the worst."""
    wild = np.ones(2 * BLOCK)
    wild[3], wild[BLOCK:] = 1e9, 7.0
    row = readings(trained(wild), 1)
    assert (row["first_mf"], row["worst_mf"], row["last_mf"], row["last_fm"]) == (1.0, 7.0, 7.0, 0.5)


@pytest.mark.parametrize(
    ("worst", "expected"), [(tables.EXPLODED - 0.1, False), (tables.EXPLODED + 0.1, True), (float("nan"), True)]
)
def test_a_training_exploded_at_ten_times_the_loss_of_nothing(worst, expected):
    """Above the bound, and where the loss is no number, a training counts as exploded."""
    assert tables.exploded(pd.DataFrame({"worst_mf": [worst]})).tolist() == [expected]


def sweep(better):
    """A sweep of two shares over five seeds in which 0.25 is better by `better` in each."""
    rows = [
        {
            "objective": "ablation",
            "dims": 4,
            "share": share,
            "seed": seed,
            "distance": 1 + seed + excess,
            "wasserstein": 1.0,
        }
        for share, excess in ((0.25, 0.0), (0.75, better))
        for seed in range(5)
    ]
    for row in rows:
        row["distance"] += 0.001 * (row["seed"] % 2) * (row["share"] > 0.5)
    return pd.DataFrame(rows)


@pytest.mark.parametrize("better", [0.2, -0.2])
def test_an_interval_of_paired_differences_has_the_sign_of_the_advantage(better):
    """Seeds that differ by 1 do not hide a difference of 0.2 in each pair; above 0 means that 0.25 is better."""
    low, high = tables.differences(sweep(better), "ablation", 4, "distance", 0.75)
    assert low == pytest.approx(better, abs=0.01)
    assert high == pytest.approx(better, abs=0.01)


def test_the_best_share_of_a_line_is_bold():
    """The least mean of each measure stands out."""
    (line,) = (line for line in tables.share_table(sweep(0.2)).splitlines() if "distance" in line)
    assert line == "| ablation | 4 | distance | **3.000** | 3.200 |"


def test_a_missing_study_is_one_sentence(monkeypatch, tmp_path):
    """Without its file a study is an input error that names the command which makes it."""
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    with pytest.raises(InputError, match="torus-study"):
        tables.read_rows("time_scale", tables.SCALE_SCHEMA)


def test_rows_are_made_kept_and_read(monkeypatch, tmp_path):
    """Two short studies go through rows, file and table without losing a number."""
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    settings = [ScaleSetting(), ScaleSetting(net="attention", scale=1000.0, qk_norm=True, derivative="clipped")]
    settings += [ScaleSetting(net="attention")]
    for kind in (ScaleSetting, type(share_settings()[0])):
        whole = kind.training
        monkeypatch.setattr(kind, "training", lambda self, whole=whole: replace(whole(self), steps=BLOCK, batch=8))
    told = []
    rows = collect(scale_rows(settings, (0,)), told.append)
    tables.write_rows(rows, "time_scale", tables.SCALE_SCHEMA, tmp_path)
    assert told == [1, 2, 3]
    pd.testing.assert_frame_equal(tables.read_rows("time_scale", tables.SCALE_SCHEMA), rows)
    assert "| attention | 1000 | clipped du/dt, QK-norm |" in tables.scale_table(rows)
    rows = collect(share_rows(share_settings()[:2], (0,)), told.append)
    tables.write_rows(rows, "data_proportion", tables.SHARE_SCHEMA, tmp_path)
    pd.testing.assert_frame_equal(tables.read_rows("data_proportion", tables.SHARE_SCHEMA), rows)


@pytest.mark.parametrize(
    ("question", "schema"), [("data_proportion", tables.SHARE_SCHEMA), ("time_scale", tables.SCALE_SCHEMA)]
)
def test_the_command_writes_rows_and_prints_their_table(monkeypatch, tmp_path, capsys, question, schema):
    """Each study, cut to two short trainings, ends in a file of its schema and in its table on the screen."""
    few = {"share_settings": share_settings()[:2], "scale_settings": [ScaleSetting(), ScaleSetting(scale=30.0)]}
    for name, settings in few.items():
        monkeypatch.setattr(plan, name, lambda settings=settings: settings)
        kind = type(settings[0])
        whole = kind.training
        monkeypatch.setattr(kind, "training", lambda self, whole=whole: replace(whole(self), steps=BLOCK, batch=8))
    monkeypatch.setattr(sys, "argv", ["tools", "torus-study", question, "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        run(app)
    assert ended.value.code in (0, None)
    monkeypatch.setattr(tables, "FOLDER", tmp_path)
    rows = tables.read_rows(question, schema)
    make = tables.share_table if question == "data_proportion" else tables.scale_table
    assert make(rows) in capsys.readouterr().out
