"""The gate's small scale keeps the configuration's mathematics."""

from __future__ import annotations

import pytest
from neuromf_spec.laws.ema import half_life

from neuromf.config import load_config, run_facts
from neuromf.config.recipe_files import recipe_names
from neuromf.gate.scale import STEPS, small_scale

KEPT = ("meanflow", "time_sampling")


@pytest.mark.parametrize("name", recipe_names())
def test_objective_times_and_time_scale_are_the_configurations_own(name):
    """Only size, data and counts are shrunk."""
    config = load_config([name])
    small = small_scale(config)

    assert all(getattr(small, section) == getattr(config, section) for section in KEPT)
    assert small.unet.time_scale == config.unet.time_scale
    assert small.training.precision == config.training.precision
    assert run_facts(small).optimiser_steps == STEPS


@pytest.mark.law("CFG-001")
@pytest.mark.parametrize("parts", ["num_splits=3", "num_splits=8", "tile_voxels=48"])
def test_a_head_that_must_be_taken_in_parts_is_shrunk_to_a_whole_one(parts):
    """Its own parts need not divide the small head, and no run that may be trained is refused for that."""
    config = load_config(["smoke"], ["data.shape=[96,96,96]", f"vae.{parts}"])
    vae = small_scale(config).vae
    assert (vae.num_splits, vae.tile_voxels) == (1, None)


def test_warm_up_and_average_keep_their_share_of_the_run():
    """74 % warm-up stays 74 %, and a half-life of a tenth of the run stays a tenth."""
    config = load_config(["failed_225"])
    small = small_scale(config)

    assert small.training.warmup_steps == round(STEPS * 5000 / 6750)
    assert half_life(small.ema.decay) / STEPS == pytest.approx(half_life(config.ema.decay) / 6750)


@pytest.mark.parametrize(("recipe", "factor"), [("recommended", 19.1), ("smoke", 2.0)])
def test_the_rate_grows_with_the_root_of_what_the_net_shrinks_by(recipe, factor):
    """A net of 167 million parameters is shrunk 366-fold, that of `smoke` fourfold, and may not be driven as hard."""
    config = load_config([recipe])
    ratio = small_scale(config).training.learning_rate / config.training.learning_rate
    assert ratio == pytest.approx(factor, rel=0.01)
