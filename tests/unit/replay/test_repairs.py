"""What the kept trainings of the failed run and its repairs show; the README tells it in five lines."""

from pathlib import Path

import pytest
from neuromf_spec.laws.divergence import terms_together

from neuromf.replay.small_scale import REPAIRS
from neuromf.replay.train import read_curves
from neuromf.replay.verdict import judge_repairs

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
