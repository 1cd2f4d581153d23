"""The ends of a bisect at small scale: what is carried over, and what is named because it is not."""

import pytest

from neuromf.bisect.study import make_study, small_ends
from neuromf.config.load import load_config
from neuromf.config.resolve import config_hash
from neuromf.errors import InputError
from neuromf.replay.small_scale import SMALL


@pytest.fixture
def study(tmp_path):
    """The study of `phase4c` against a run that differs from it in these lines."""

    def make(*lines, **options):
        file = tmp_path / "bad.yaml"
        file.write_text("\n".join(("extends: phase4c", *lines)), encoding="utf-8")
        return make_study("phase4c", str(file), "divergence", **options)

    return make


def test_a_learning_rate_is_carried_over_as_a_ratio(study):
    """Ten times the good run's rate is ten times the small run's."""
    found = study("training.learning_rate: 0.001")
    assert (found.names, found.hidden) == (("training.learning_rate",), ())
    assert [end.training.learning_rate for end in (found.good, found.bad)] == [1e-3, pytest.approx(1e-2, rel=1e-12)]


def test_what_the_scale_hides_is_named(study):
    """Every key that the scale fixes and that differs, and no key that merely follows it."""
    found = study(
        "training.learning_rate: 0.001", "training.gpus: 4", "training.diagnostics: false",
        "unet.channels: [64, 128]", "unet.attention_levels: [false, false]",
    )  # fmt: skip
    assert found.names == ("training.learning_rate",)
    assert found.hidden == ("training.diagnostics", "training.gpus", "unet.attention_levels", "unet.channels")


def test_what_rounding_hides_is_named_too(study):
    """501 epochs are 16 of a small run, as 500 are."""
    found = study("training.epochs: 501", "training.beta2: 0.999")
    assert (found.names, found.hidden) == (("training.beta2",), ("training.epochs",))


def test_a_difference_in_hidden_keys_alone_is_refused_by_their_names(study):
    """They are not identical, and the remedy is the scale that compares them."""
    with pytest.raises(InputError, match=r"differ in training.gpus alone, .*; compare them with --full-scale"):
        study("training.gpus: 4", "training.seed: 3")
    assert study("training.gpus: 4", full_scale=True).names == ("training.gpus",)


def test_the_failed_run_hides_nothing_and_keeps_its_scale():
    """16 deltas between the ends of the replay, shortened to 16 of 225 epochs."""
    found = make_study("phase4c", "failed_225", "divergence")
    good = load_config(["phase4c"], [*SMALL, "training.epochs=36"])
    bad = load_config(["failed_225"], [*SMALL, "training.epochs=16", "training.warmup_steps=356"])
    assert (len(found.names), found.hidden) == (16, ())
    assert (found.question()["good"], found.question()["bad"]) == (config_hash(good), config_hash(bad))


def test_a_run_whose_share_is_less_than_half_an_epoch_has_one(tmp_path):
    """Three epochs against 500 are none of sixteen, and of those one is trained."""
    file = tmp_path / "short.yaml"
    file.write_text("extends: phase4c\ntraining.epochs: 3\n", encoding="utf-8")
    assert small_ends(str(file), "phase4c").good.training.epochs == 1
