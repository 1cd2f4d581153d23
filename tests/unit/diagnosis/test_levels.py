"""Levels that a diagnosis holds a trace against: of predicting nothing, of a start, of a time to learn."""

import pytest

from neuromf.config import load_config
from neuromf.diagnosis.symptoms.loss import level_of_nothing, loss_signs
from neuromf.diagnosis.symptoms.update import LEAST_EXPOSURE, exposed
from neuromf.golden.case import read_case
from neuromf.monitor.checks.trace_summary import summarise
from neuromf.monitor.guard.zero_predictor import anchor
from neuromf.readable import rounded
from neuromf.trace.reader import read_rows


@pytest.mark.parametrize("square", [0.04, 1.0, 25.0])
@pytest.mark.parametrize("prediction", ["x", "u"])
def test_the_loss_of_predicting_nothing_follows_the_latents(prediction, square):
    """No x misses x, whose square is that of the latents; no u misses e - x, whose square is one more."""
    config = load_config("recommended", f"meanflow.prediction={prediction}")
    found, normalised = level_of_nothing(config, square), anchor(config)
    factor = {"x": square, "u": (square + 1) / 2}[prediction]
    assert (found.total, found.flow) == pytest.approx((normalised.total * factor, normalised.flow * factor))


def test_terms_are_told_by_how_often_they_are_their_start():
    """Where MF grows threefold and FM shrinks to a half, both are said of their own first level."""
    case = read_case("x_exact")
    rows = read_rows(case.trace)
    for index, row in enumerate(rows):
        grown = index / (len(rows) - 1)
        row |= {"raw_mf": 8.0 * 3**grown, "raw_fm": 4.0 / 2**grown}
    summary = summarise(rows)
    mf, fm = (levels[-1] / levels[0] for levels in map(summary.levels, ("raw_mf", "raw_fm")))
    says = dict(loss_signs(case.config, summary, long_enough=False))["terms_apart"].says
    assert 1.5 < mf < 3
    assert 1 / 2 < fm < 0.8
    assert f": MF {rounded(mf, 2)} times its start, FM {rounded(fm, 2)} of it" in says


@pytest.mark.parametrize(("warmup", "first"), [(0, int(LEAST_EXPOSURE) - 1), (99, int(LEAST_EXPOSURE) - 1 + 50)])
def test_a_run_has_had_time_to_learn_with_sixty_steps_at_full_rate(warmup, first):
    """Without a warm-up with step 59, and not a step sooner; a warm-up counts by half."""
    settings = ["training.epochs=1", "training.micro_batches_per_epoch=1000", f"training.warmup_steps={warmup}",
                "training.gradient_accumulation_steps=1", "training.lr_schedule=constant"]  # fmt: skip
    config = load_config("recommended", settings)
    assert [exposed(config, step) for step in (-1, first - 1, first)] == [False, False, True]
