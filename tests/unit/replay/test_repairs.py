"""What the kept trainings of the failed run and its repairs show; the README tells it in five lines."""

import math
from pathlib import Path

import pytest
from neuromf_spec.laws.divergence import terms_together

from neuromf.replay.small_scale import REPAIRS
from neuromf.replay.train import COLUMNS, epoch_curve, read_curves
from neuromf.replay.verdict import judge_repairs
from neuromf.trace.reader import read_trace
from tests.support.fake_run import CONFIG, FakeRun

CURVES = read_curves(Path(__file__).parents[3] / "golden" / "replay" / "epochs60", [r.name for r in REPAIRS], 3)
VERDICTS = {verdict.name: verdict for verdict in judge_repairs(CURVES)}
HEALTHY = {"exact_jvp_and_time_scale", "laws_together", "all_together"}


def test_every_repair_was_trained_from_three_seeds():
    """Thirteen kinds, three seeds each, sixty epochs."""
    assert {name: len(tables) for name, tables in CURVES.items()} == {repair.name: 3 for repair in REPAIRS}
    assert all(len(table) == 60 for tables in CURVES.values() for table in tables)


def test_the_failed_settings_explode_while_the_weighted_loss_reads_two():
    """Every seed shows the signature: weighted 2.000 +- 0.000, raw MF up ten-thousand-fold, raw FM down."""
    failed = VERDICTS["none"]
    assert failed.exploded == failed.seeds == 3
    assert abs(failed.weighted - 2) < 5e-4
    assert failed.weighted_std < 5e-4
    assert min(failed.ends) > 1e4 * failed.start
    assert all(table["raw_fm"].iloc[-1] < 0.05 * table["raw_fm"].iloc[0] for table in CURVES["none"])


def test_none_of_the_reviews_repairs_stops_the_explosion():
    """Neither one by one nor together."""
    for name in ("norm_eps", "warmup", "beta2", "data_proportion", "accumulation", "review_together"):
        assert VERDICTS[name].exploded == 3


def test_exact_derivative_and_time_scale_stop_it_together_and_not_alone():
    """Each alone weakens the explosion; both are needed for MF to fall."""
    assert VERDICTS["exact_jvp"].exploded == 3
    assert VERDICTS["float32"].exploded == 3
    assert VERDICTS["time_scale"].says == "does not explode, does not learn"
    assert {name for name, verdict in VERDICTS.items() if verdict.says == "healthy"} == HEALTHY


@pytest.mark.parametrize("name", [repair.name for repair in REPAIRS])
def test_the_ratio_of_the_terms_tells_the_healthy_from_the_others(name):
    """MF over FM stays below 10 in every healthy training and passes 10 in every other (GUARD-006)."""
    for table in CURVES[name]:
        broken = [
            not terms_together(meanflow=mf, flow=fm).passed
            for mf, fm in zip(table["raw_mf"], table["raw_fm"], strict=True)
        ]
        assert any(broken) == (name not in HEALTHY)


@pytest.mark.law("OBS-002")
def test_a_training_that_ends_in_nan_has_no_level_in_its_last_epoch(tmp_path):
    """Three steps an epoch, the last of them NaN: a median over the other two would call it healthy."""
    run = FakeRun(tmp_path / "run")
    run.write(5)
    run.write(6, first=5, raw_total=math.nan, raw_mf=math.nan, weighted=math.nan, grad_norm=math.nan)
    curve = epoch_curve(read_trace(run.folder.trace), CONFIG)
    assert curve.loc[0, list(COLUMNS)].notna().all()
    assert curve.loc[1].isna().all()
    (verdict,) = judge_repairs({"exact_jvp": [curve]})
    assert verdict.says == "explodes in 1 of 1"


def test_an_absent_number_does_not_empty_its_epoch(tmp_path):
    """A step without FM samples has no FM loss, and its epoch has that of the others."""
    run = FakeRun(tmp_path / "run")
    run.write(2)
    run.write(3, first=2, raw_fm=None)
    assert epoch_curve(read_trace(run.folder.trace), CONFIG).loc[0].notna().all()
