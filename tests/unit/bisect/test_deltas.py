"""Differences of configurations: which keys vary together, which mixtures cannot be trained, whom the laws blame."""

import pytest

from neuromf.bisect.deltas import find_differences
from neuromf.config.load import load_config
from neuromf.config.resolve import config_hash, flat_config
from neuromf.errors import InputError
from neuromf.replay.small_scale import SMALL


def differences(good=(), bad=(), recipes=("recommended", "recommended")):
    return find_differences(load_config([recipes[0]], good), load_config([recipes[1]], bad))


@pytest.fixture(scope="module")
def failed():
    """The corrected configuration and the failed one, at small scale."""
    return differences(SMALL, SMALL, ("phase4c", "failed_225"))


def number(found, key):
    return next(i for i, delta in enumerate(found.deltas) if key in delta.keys)


def test_every_differing_key_is_in_one_delta(failed):
    """17 keys differ between the two recipes; the derivative and its step are one delta."""
    good, bad = (flat_config(load_config([name], SMALL)) for name in ("phase4c", "failed_225"))
    keys = [key for delta in failed.deltas for key in delta.keys]
    assert sorted(keys) == [key for key in good if good[key] != bad[key]]
    assert [delta.keys for delta in failed.deltas if len(delta.keys) > 1] == [("meanflow.fd_step", "meanflow.jvp")]


def test_no_delta_is_the_good_run_and_all_are_the_bad_one(failed):
    """The ends of the mixtures are the configurations themselves."""
    for subset, recipe in ((0, "phase4c"), ((1 << len(failed.deltas)) - 1, "failed_225")):
        assert config_hash(failed.mixtures.config(subset)) == config_hash(load_config([recipe], SMALL))
        assert failed.mixtures.testable(subset)


def test_a_mixture_has_the_bad_values_of_its_deltas_alone(failed):
    """One bit, one difference from the good run."""
    for i, delta in enumerate(failed.deltas):
        if failed.mixtures.testable(1 << i):
            mixed, good = (flat_config(failed.mixtures.config(subset)) for subset in (1 << i, 0))
            assert {key: mixed[key] for key in mixed if mixed[key] != good[key]} == dict(
                zip(delta.keys, delta.bad, strict=True)
            )


def test_a_pair_that_neither_end_has_is_untestable(failed):
    """The failed run's warm-up says nothing in the corrected run's fewer updates; with its accumulation it does."""
    warmup, accumulation = (
        1 << number(failed, key) for key in ("training.warmup_steps", "training.gradient_accumulation_steps")
    )
    assert "a warm-up longer than the run" in failed.mixtures.obstacle(warmup)
    assert failed.mixtures.testable(warmup | accumulation)
    assert failed.mixtures.testable(accumulation)


def test_a_pair_that_the_bad_run_has_is_testable(failed):
    """Finite differences in bf16 are forbidden, and may be what broke the run."""
    pair = 1 << number(failed, "meanflow.jvp") | 1 << number(failed, "training.precision")
    assert failed.mixtures.testable(pair)


def test_what_torch_cannot_run_is_untestable():
    """The exact derivative with reentrant checkpoints, each from another end."""
    reentrant = "training.activation_checkpointing=reentrant"
    found = differences(["meanflow.jvp=finite_difference", "meanflow.fd_step=0.01", reentrant], ["training.epochs=9"])
    keys = ("meanflow.jvp", "training.activation_checkpointing")
    derivative, checkpoints = (1 << number(found, key) for key in keys)
    assert "no forward-mode rule" in found.mixtures.obstacle(derivative)
    assert found.mixtures.testable(derivative | checkpoints)


def test_keys_that_need_each_other_are_one_delta():
    """Fewer levels of the net need both lists shorter: one delta; the heads vary alone."""
    found = differences(bad=["unet.channels=[64,128]", "unet.attention_levels=[false,true]", "unet.head_channels=64"])
    assert [delta.keys for delta in found.deltas] == [
        ("unet.attention_levels", "unet.channels"),
        ("unet.head_channels",),
    ]


def test_what_the_schema_refuses_is_untestable():
    """The bad run's accumulation fills no update with the good run's single epoch."""
    good = ["training.epochs=1", "training.micro_batches_per_epoch=4", "training.gradient_accumulation_steps=1"]
    bad = ["training.epochs=2", "training.micro_batches_per_epoch=4", "training.gradient_accumulation_steps=8"]
    found = differences(good, bad)
    accumulation = 1 << number(found, "training.gradient_accumulation_steps")
    assert "ends before one optimiser step" in found.mixtures.obstacle(accumulation)


def test_the_laws_blame_what_the_bad_run_alone_breaks(failed):
    """The time scale by JVP-005, the derivative by JVP-003, the split by none; who only watches is not suspect."""
    delta = {key: delta for delta in failed.deltas for key in delta.keys}
    assert [b.law for b in delta["unet.time_scale"].blame] == ["JVP-005"]
    assert "JVP-003" in [b.law for b in delta["meanflow.jvp"].blame]
    assert delta["unet.time_scale"].weight == delta["meanflow.jvp"].weight == 3
    assert delta["training.warmup_steps"].weight == 2
    assert delta["meanflow.norm_eps"].weight == 1
    assert delta["data.split_ratios"].weight == 1
    assert [b.law for b in delta["training.divergence_threshold"].blame] == ["GUARD-001"]
    assert delta["training.divergence_threshold"].weight == 1


def test_a_law_that_both_break_blames_nobody():
    """What the good run bears cannot have broken the bad one."""
    slow = ["training.beta2=0.9999", "training.epochs=20"]
    found = differences(slow, ["training.beta2=0.99995", "training.epochs=20"])
    assert [delta.blame for delta in found.deltas] == [()]


@pytest.mark.parametrize("bad", [[], ["training.seed=5"]])
def test_identical_configurations_are_refused(bad):
    """A seed is no difference: every probe has its own."""
    with pytest.raises(InputError, match="identical"):
        differences(bad=bad)


def test_more_than_24_deltas_are_refused():
    """The failed run against another one in everything."""
    bad = [
        "data.demo_subjects=9", "data.demo_seed=1", "data.spacing_mm=2.0", "data.intensity_percentiles=[1.0,99.0]",
        "data.split_seed=1", "unet.num_res_blocks=1", "meanflow.norm_p=0.5", "meanflow.t_min=0.02",
        "time_sampling.mu=0.0", "time_sampling.sigma=2.0", "time_sampling.uniform_fraction=0.5",
        "training.micro_batches_per_epoch=50", "training.batch_size_per_gpu=4",
    ]  # fmt: skip
    with pytest.raises(InputError, match="at most 24"):
        differences((), bad, ("phase4c", "failed_225"))


def test_an_end_that_cannot_be_trained_is_refused():
    """Nothing can be learnt from a bad run that never ran."""
    with pytest.raises(InputError, match="BAD: cannot be trained"):
        differences(bad=["training.activation_checkpointing=reentrant"])
