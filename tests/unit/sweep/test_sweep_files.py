"""The file of a sweep, its arms, and what is refused."""

import pytest

from neuromf.config.derived import run_facts
from neuromf.errors import InputError
from neuromf.sweep.arms import arms_of, differing_keys, epochs_of
from neuromf.sweep.rungs import rungs_of, steps_of, validated_every
from neuromf.sweep.specification import read_sweep, shipped
from neuromf.sweep.yardstick import refuse_unlike
from neuromf.training.held_out.timetable import epochs_done
from tests.support.fake_sweep import make_sweep
from tests.support.tiny_run import make_tiny_config

TEXT = "base: [smoke]\none_at_a_time:\n  meanflow.norm_p: [0.5]\n"


def written(tmp_path, text):
    """A file that holds a text."""
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", shipped())
def test_each_sweep_that_comes_along_can_be_run(name):
    """Its arms load, differ, and are judged by a number that means the same for all."""
    sweep = read_sweep(name)
    rungs = rungs_of(sweep, 500, name)
    arms = arms_of(sweep, validated_every(rungs), name)
    refuse_unlike(differing_keys(arms), sweep.metric, name)
    assert len(arms) > 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one_at_a_time: {meanflow.norm_p: [1.0]}\n", "base: is missing; add it"),
        ("base: [smoke]\n", "no arms; give one_at_a_time, grid, named or random"),
        (TEXT + "seedz: [1]\n", "seedz: unknown key; the keys are about, base"),
        (TEXT + "seeds: [1, 1]\n", "seeds must differ"),
        (TEXT + "seeds: []\n", "seeds"),
        (TEXT + "metric: loss\n", "metric: 'loss' is not allowed here"),
        (TEXT + "halving: {factor: 1, first_epochs: 2}\n", "halving.factor: 1 is not allowed here"),
        ("base: [smoke]\none_at_a_time: {norm_p: [1.0]}\n", "write section.key"),
        ("base: [smoke]\nrandom: {count: 2, keys: {meanflow.norm_p: {low: 2.0, high: 1.0}}}\n", "low must be below"),
        ("base: [smoke]\nrandom: {count: 2, keys: {meanflow.norm_p: {low: 0.0, high: 1.0, log: true}}}\n", "above 0"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence(tmp_path, text, said):
    """With its name, the key and what may stand there."""
    path = written(tmp_path, text)
    with pytest.raises(InputError) as told:
        read_sweep(path)
    assert path in str(told.value)
    assert said in str(told.value).replace(": give", "; give")


def test_an_unknown_name_lists_what_there_is():
    """Names of the sweeps that come along."""
    with pytest.raises(InputError, match="phase6"):
        read_sweep("phase7")


def test_a_bases_file_counts_from_the_sweeps_folder(tmp_path):
    """As do the files that a configuration extends."""
    (tmp_path / "my.yaml").write_text("training: {epochs: 7}\n", encoding="utf-8")
    sweep = read_sweep(written(tmp_path, TEXT.replace("[smoke]", "[smoke, my.yaml]")))
    assert arms_of(sweep, 1, "s.yaml")[0].config.training.epochs == 7


def test_a_sweep_may_set_what_its_validations_are_made_of():
    """Though it decides itself when they are made, on which those keys depend."""
    sweep = make_sweep(settings={"training.validation_scans": 3, "training.epochs": 4})
    assert epochs_of(sweep, "s.yaml") == 4
    assert arms_of(sweep, 1, "s.yaml")[0].config.training.validation_scans == 3


def test_a_base_that_is_no_configuration_is_told_with_the_sweeps_file():
    """And with the key."""
    with pytest.raises(InputError, match=r"s\.yaml.*training\.epochs"):
        epochs_of(make_sweep(settings={"training.epochs": -4}), "s.yaml")


def test_a_grid_has_every_pair():
    """Two values of one key with two of another, and the base."""
    sweep = make_sweep(one_at_a_time={}, grid={"meanflow.norm_p": [0.5, 0.75], "ema.decay": [0.9, 0.99]})
    assert [arm.name for arm in arms_of(sweep, 1, "")] == [
        "base",
        "meanflow.norm_p=0.5 ema.decay=0.9",
        "meanflow.norm_p=0.5 ema.decay=0.99",
        "meanflow.norm_p=0.75 ema.decay=0.9",
        "meanflow.norm_p=0.75 ema.decay=0.99",
    ]


def test_an_arm_that_is_the_base_is_left_out():
    """A value that the base has already."""
    value = arms_of(make_sweep(), 1, "")[0].config.meanflow.norm_p
    names = [arm.name for arm in arms_of(make_sweep(one_at_a_time={"meanflow.norm_p": [value, 0.3]}), 1, "")]
    assert names == ["base", "meanflow.norm_p=0.3"]


def test_random_arms_are_the_same_for_the_same_seed():
    """Within their ranges, whole where asked, from a list where there is one; another seed gives others."""
    keys = {
        "meanflow.norm_p": {"low": 0.2, "high": 0.9},
        "training.warmup_steps": {"low": 1.0, "high": 9.0, "whole": True},
        "meanflow.channel_weights": [None, [1.0, 2.0, 1.0, 2.0]],
    }

    def drawn(seed):
        sweep = make_sweep(one_at_a_time={}, random={"count": 6, "seed": seed, "keys": keys})
        return [arm.config for arm in arms_of(sweep, 1, "")[1:]]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    for config in drawn(0):
        assert 0.2 <= config.meanflow.norm_p <= 0.9
        assert 1 <= config.training.warmup_steps <= 9
    assert {config.meanflow.channel_weights for config in drawn(0)} == {None, (1.0, 2.0, 1.0, 2.0)}


def test_the_seed_is_no_arm():
    """It is paired over the arms."""
    with pytest.raises(InputError) as told:
        arms_of(make_sweep(one_at_a_time={"training.seed": [1, 2]}), 1, "s.yaml")
    assert told.value.sentence == "s.yaml: training.seed: cannot be swept; give the seeds under `seeds`."


def test_an_arm_that_no_training_could_have_is_named():
    """With the key and what the schema says."""
    with pytest.raises(InputError, match=r"arm 'meanflow\.norm_p=-1'"):
        arms_of(make_sweep(one_at_a_time={"meanflow.norm_p": [-1.0]}), 1, "s.yaml")


def test_overrides_differ_by_the_seed_alone():
    """So that runs of one arm are the same but for it."""
    arm = arms_of(make_sweep(), 1, "")[1]
    first, second = arm.overrides(0), arm.overrides(7)
    assert [a for a, b in zip(first, second, strict=True) if a != b] == ["training.seed=0"]


@pytest.mark.parametrize(
    ("first", "factor", "epochs", "rungs"), [(4, 2, 8, [4, 8]), (5, 3, 100, [5, 15, 45, 100]), (1, 2, 3, [1, 2, 3])]
)
def test_each_rung_is_a_factor_longer_and_the_last_is_the_end(first, factor, epochs, rungs):
    """And all are multiples of what is validated."""
    found = rungs_of(make_sweep(halving={"factor": factor, "first_epochs": first}), epochs, "")
    assert found == rungs
    assert all(rung % validated_every(found) == 0 for rung in found)


def test_a_first_rung_as_long_as_the_run_is_refused():
    """Nothing would be dropped."""
    with pytest.raises(InputError, match="no part of a run of 8"):
        rungs_of(make_sweep(halving={"first_epochs": 8}), 8, "s.yaml")


@pytest.mark.parametrize("accumulation", [1, 2, 5])
@pytest.mark.parametrize("epochs", [1, 2, 5, 7])
def test_a_rungs_step_is_the_first_with_its_epochs_done(accumulation, epochs):
    """By counting every step."""
    config = make_tiny_config("training.epochs=7", f"training.gradient_accumulation_steps={accumulation}")
    total = run_facts(config).optimiser_steps
    first = next(step for step in range(total + 1) if epochs_done(config, step) >= epochs or step == total)
    assert steps_of(config, epochs) == first


@pytest.mark.parametrize(
    "key",
    ["time_sampling.mu", "meanflow.tangent", "data.spacing_mm", "vae.scale_factor", "training.validation_scans"],
)
def test_a_key_that_changes_the_metric_is_refused(key):
    """Numbers of different meaning are not compared."""
    with pytest.raises(InputError, match="cannot be compared"):
        refuse_unlike({key}, "val_mf", "s.yaml")


def test_the_share_of_fm_samples_is_swept_by_the_mf_loss_alone():
    """In the total it would be its own weight."""
    refuse_unlike({"time_sampling.data_proportion"}, "val_mf", "s.yaml")
    with pytest.raises(InputError, match="metric: val_mf"):
        refuse_unlike({"time_sampling.data_proportion"}, "val_total", "s.yaml")


@pytest.mark.parametrize(
    ("key", "metric", "said"),
    [
        ("meanflow.jvp", "val_mf", "changes how the validated derivative is computed, so val_mf of its arms cannot be "
         "compared; sweep it by the quality of samples instead (`neuromf evaluate`), or leave it out."),
        ("data.spacing_mm", "val_fm", "changes the scans that are validated, or their latents, so val_fm of its arms "
         "cannot be compared; sweep it by the quality of samples instead (`neuromf evaluate`), or leave it out."),
        ("meanflow.loss_terms", "val_total", "changes the terms of val_total; set `metric: val_mf`."),
    ],
)  # fmt: skip
def test_a_key_that_changes_the_metric_is_refused_with_its_reason(key, metric, said):
    """Naming the file and the key."""
    with pytest.raises(InputError) as told:
        refuse_unlike([key], metric, "s.yaml")
    assert told.value.sentence == f"s.yaml: {key}: {said}"


def test_a_key_that_changes_the_total_alone_may_be_swept_by_a_part():
    """Of the parts of the loss the weights do not speak."""
    assert refuse_unlike(["meanflow.loss_terms"], "val_mf", "s.yaml") is None
