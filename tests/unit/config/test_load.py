"""Loading a configuration: layers, overrides, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuromf.config import Config, config_hash, load_config, resolved_text
from neuromf.config.provenance import value_sources
from neuromf.config.recipe_files import ALIASES, recipe_names
from neuromf.config.recorded import read_recorded
from neuromf.config.resolve import flat_config, unflatten
from neuromf.errors import InputError


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


def test_defaults_are_the_recommended_recipe():
    """The recommended recipe adds nothing to the schema's defaults."""
    assert load_config(["recommended"]) == Config()


def test_later_layers_override_earlier_ones(tmp_path):
    """A file after a recipe wins, and --set wins over both."""
    path = write(tmp_path, "ema:\n  decay: 0.9\ntraining:\n  epochs: 7\n")

    config = load_config(["smoke", path], ["training.epochs=9"])

    assert (config.ema.decay, config.training.epochs, config.vae.checkpoint) == (0.9, 9, "demo")


def test_every_key_says_what_it_means():
    """The reference of the configuration explains each key."""
    sections = Config.model_fields.items()
    keys = [(name, key, field) for name, section in sections for key, field in section.annotation.model_fields.items()]
    assert len(keys) > 50
    assert [f"{name}.{key}" for name, key, field in keys if not field.description] == []


def test_one_layer_and_one_override_need_no_list():
    """A name and a `key=value` alone mean what they mean in a list."""
    assert load_config("smoke", "training.epochs=3") == load_config(["smoke"], ["training.epochs=3"])


def test_a_file_may_extend_a_recipe(tmp_path):
    """`extends` puts a recipe beneath the file."""
    path = write(tmp_path, "extends: failed_225\nmeanflow:\n  norm_eps: 1.0\n")

    config = load_config([path])

    assert (config.meanflow.norm_eps, config.training.warmup_steps) == (1.0, 5000)


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_recipe_it_stands_for(alias, tmp_path):
    """As a layer and after `extends`, with the same source for every value."""
    recipe = ALIASES[alias]
    assert load_config([alias]) == load_config([write(tmp_path, f"extends: {alias}")]) == load_config([recipe])
    assert value_sources([alias]) == value_sources([recipe])


def test_a_misspelt_alias_is_answered_with_the_alias():
    """Aliases are offered like names."""
    with pytest.raises(InputError, match="did you mean 'corrected'"):
        load_config(["corected"])


@pytest.mark.parametrize("name", recipe_names())
def test_resolved_text_loads_back_to_the_same_configuration(name, tmp_path):
    """The resolved text of every recipe is itself a configuration file, with the same hash."""
    config = load_config([name])

    again = load_config([write(tmp_path, resolved_text(config))])

    assert config_hash(again) == config_hash(config)


@pytest.mark.parametrize("name", recipe_names())
def test_dotted_paths_give_the_nested_configuration_back(name):
    """What a configuration is flattened to, nested again, is that configuration."""
    config = load_config(name)
    said = {
        section: {key: value for key, value in keys.items() if value != {}}  # no options are no line
        for section, keys in config.model_dump(mode="json").items()
    }
    assert unflatten(flat_config(config)) == said


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("training:\n  learning_rate: 1e-4\n", "training.learning_rate", "text to YAML"),
        ("training:\n  epochs: -3\n", "training.epochs", "greater than or equal to 1"),
        ("training:\n  warmup_steps: -1\n", "training.warmup_steps", "greater than or equal to 0"),
        ("training:\n  epochs: 3\n  epochs: 4\n", None, "given twice"),
        ("training:\n  epoch: 3\n", "training.epoch", "did you mean 'epochs'"),
        ("trianing:\n  epochs: 3\n", "trianing", "did you mean 'training'"),
        ("training:\n  epochs: many\n", "training.epochs", "valid integer"),
        ("training:\n  epochs: 3.5\n", "training.epochs", "integer"),
        ("training:\n  learning_rate: .nan\n", "training.learning_rate", "finite"),
        ("meanflow:\n  jvp: exakt\n", "meanflow.jvp", "'exact'"),
        ("meanflow: 3\n", "meanflow", "not allowed"),
        ("- a\n- b\n", None, "top level"),
        ("a: [1, 2\n", None, "valid YAML"),
        ("training:\n  epochs: 2020-01-01\n", "training.epochs", "is a date"),
        ("data:\n  shape: [30, 32, 32]\n", "data.shape", "multiple of 4"),
        ("data:\n  split_ratios: [0.5, 0.2, 0.2]\n", "data", "add up to 0.9"),
        ("data:\n  source: folder\n", "data", "root"),
        ("unet:\n  channels: [30, 64, 128, 256]\n", "unet", "norm_num_groups"),
        ("unet:\n  channels: [32, 64, 128, 500]\n  norm_num_groups: 4\n", "unet", "head_channels"),
        ("unet:\n  channels: []\n  attention_levels: []\n", "unet.channels", "at least 1"),
        ("data:\n  shape: [180, 216, 180]\n", "data.shape", "multiple of 32"),
        ("training:\n  seed: 9223372036854775808\n", "training.seed", "less than"),
        ("training.epochs: 3\ntraining:\n  epochs: 4\n", "training", "twice"),
        ("training:\n  epochs: !!bool abc\n", None, "valid YAML"),
        ("training:\n  learning_rate: 1.0e+38\n", "training.learning_rate", "less than"),
        ("data:\n  spacing_mm: 1000.0\n", "data.spacing_mm", "less than"),
        ("extends: nothing\n", "extends", "no recipe"),
    ],
)
def test_a_bad_file_is_named_with_key_and_remedy(tmp_path, text, key, words):
    """A bad value ends in one sentence with the file, the key and what to do."""
    path = write(tmp_path, text)

    with pytest.raises(InputError) as caught:
        load_config([path])

    assert caught.value.key == key
    assert str(path) in caught.value.sentence
    assert words in caught.value.sentence
    assert "\n" not in caught.value.sentence


DOUBLING = "\n".join(["a0: &a0 [1, 1]", *(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]" for n in range(20))])


@pytest.mark.parametrize("text", ["[" * 5_000, "a: " * 40, "- " * 40, "\n".join(" " * n + "a:" for n in range(40)),
                                  DOUBLING, "[" + "1," * 100_001 + "]"],
                         ids=["brackets", "inline", "lists", "indented", "aliases", "long"])  # fmt: skip
def test_a_document_too_large_to_be_a_configuration_is_refused(tmp_path, text):
    """200,000 levels overflow the loader's stack, and sixty lines of aliases hold 2^61 values; here are fewer."""
    with pytest.raises(InputError, match="valid YAML") as caught:
        load_config([write(tmp_path, text)])
    assert "\n" not in caught.value.sentence


def test_aliases_that_stay_small_are_read(tmp_path):
    """An anchor may stand for a value in several places."""
    path = write(tmp_path, "time_sampling:\n  t_min: &least 0.02\nmeanflow:\n  t_min: *least\n")
    assert load_config([path]).meanflow.t_min == 0.02


@pytest.mark.parametrize(
    ("key", "text"),
    [("training.epochs", "-3"), ("training.epochs", "null"), ("training.compile", "1"), ("training.seed", "[1, 2]"),
     ("data.shape", "[64, 64]"), ("meanflow.jvp", '"exakt"'), ("ema.decay", "1.0")],
)  # fmt: skip
def test_a_refused_value_is_shown_as_it_was_written(key, text):
    """Whatever the kind of the value, the sentence repeats it."""
    with pytest.raises(InputError) as caught:
        load_config("smoke", f"{key}={text}")
    assert caught.value.problem == f"{text} is not allowed here"


@pytest.mark.parametrize("kept", [0, 1, 20, -1])
def test_a_recorded_configuration_is_whole(tmp_path, kept):
    """A run's text cut after any line is no configuration of defaults; whole, it is the run's."""
    config = load_config(["phase4c"])
    lines = resolved_text(config).splitlines(keepends=True)
    assert read_recorded(write(tmp_path, "".join(lines))) == config
    with pytest.raises(InputError, match="cut short"):
        read_recorded(write(tmp_path, "".join(lines[:kept])))


@pytest.mark.parametrize("override", ["training.epochs", "=3", "training.=3", "a..b=3"])
def test_a_malformed_override_is_refused(override):
    """--set needs section.key=value."""
    with pytest.raises(InputError, match=r"section\.key=value"):
        load_config(["smoke"], [override])


def test_an_option_without_effect_is_refused():
    """A finite-difference step beside an exact derivative would do nothing, so it is an error (CFG-001)."""
    with pytest.raises(InputError, match="fd_step"):
        load_config(["smoke"], ["meanflow.fd_step=0.001"])


def test_a_misspelt_recipe_is_answered_with_the_nearest():
    """An unknown name suggests the recipe it resembles."""
    with pytest.raises(InputError, match="did you mean 'smoke'"):
        load_config(["smoek"])


def test_every_key_changes_the_hash():
    """No key is left out of the resolved text that identifies a run (CFG-001)."""
    base = config_hash(Config())
    other = {
        "data.source=folder data.root=x": None,
        "vae.tile_voxels=96 vae.tile_overlap=0.5": None,
        "training.init_from=run training.init_weights=weights": None,
        **dict.fromkeys(f"training.validate_every_epochs=5 {beside}" for beside in BESIDE_VALIDATION),
        "vae.latent_channels=3 vae.stride=2 vae.factory=a:b vae.factory_options.width=2": None,
        "unet.factory=a:b unet.factory_options.width=2 unet.small_options.width=1": None,
        **{f"{k}={v}": None for k, v in _other_values().items()},
    }

    unchanged = [o for o in other if config_hash(load_config(["recommended"], o.split())) == base]

    assert unchanged == []
    beside = {"data.source", "data.root", "meanflow.fd_step", "vae.tile_overlap", "training.init_weights"}
    beside |= {last.rpartition(" ")[2].partition("=")[0] for last in BESIDE_VALIDATION}
    assert set(_other_values()) | beside == {line.partition(":")[0] for line in resolved_text(Config()).splitlines()}


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ("meanflow.mask_block=2", "mask_block has no effect without mask_share"),
        ("meanflow.mask_share=0.005", "mask_share: 0.005 leaves out no block of meanflow.mask_block 4 cells"),
        ("meanflow.mask_share=0.9 meanflow.mask_block=64", "leaves out no block of meanflow.mask_block 64 cells"),
        ("meanflow.mask_share=1.0", "mask_share"),
        ("meanflow.mask_share=-0.1", "mask_share"),
    ],
)
def test_a_mask_that_leaves_out_nothing_or_all_is_refused(overrides, problem):
    """A share without a whole block, a block without a share, and a share that leaves nothing to train (CFG-001)."""
    with pytest.raises(InputError, match=problem):
        load_config("smoke", overrides.split())


def test_an_average_can_be_left_out():
    """ema.decay null is a configuration of its own; 0 and 1, with which nothing is averaged either, are refused."""
    assert load_config("smoke", "ema.decay=null").ema.decay is None
    for value in ("0", "1", "0.0", "1.0"):
        with pytest.raises(InputError, match="not allowed here"):
            load_config("smoke", f"ema.decay={value}")


BESIDE_VALIDATION = (
    "training.validation_scans=8",
    "training.validation_metric=val_fm",
    "training.early_stop_patience=3",
    "training.early_stop_patience=3 training.early_stop_min_improvement=0.01",
)
"""Keys that have an effect in a run that validates alone."""


@pytest.mark.parametrize("beside", BESIDE_VALIDATION)
def test_a_key_of_validation_is_refused_in_a_run_that_does_not_validate(beside):
    """It would do nothing; the smallest improvement has none without patience either (CFG-001)."""
    with pytest.raises(InputError, match="has no effect without validate_every_epochs"):
        load_config("smoke", beside.split())
    with pytest.raises(InputError, match="early_stop_min_improvement has no effect without early_stop_patience"):
        load_config("smoke", ["training.validate_every_epochs=1", "training.early_stop_min_improvement=0.01"])


def _other_values() -> dict[str, str]:
    """A valid value other than the default for each key that can change alone."""
    return {
        "unet.factory": "a:b",
        "vae.factory": "a:b",
        "vae.latent_channels": "3",
        "vae.stride": "8",
        "training.init_from": "run",
        "training.validate_every_epochs": "5",
        "data.demo_subjects": "9",
        "data.demo_seed": "1",
        "data.spacing_mm": "2.0",
        "data.shape": "[64,64,64]",
        "data.intensity_percentiles": "[0.0,99.0]",
        "data.clip_above": "false",
        "data.split_ratios": "[0.8,0.1,0.1]",
        "data.split_seed": "1",
        "augmentation.flip_probability": "0.5",
        "augmentation.noise_std": "0.1",
        "augmentation.channel_scale": "0.1",
        "data.max_quarantined": "0.02",
        "vae.norm_float16": "true",
        "vae.num_splits": "2",
        "vae.tile_voxels": "96",
        "vae.checkpoint": "demo",
        "unet.channels": "[64,128,256,256]",
        "unet.attention_levels": "[false,false,false,true]",
        "unet.head_channels": "64",
        "unet.num_res_blocks": "1",
        "unet.norm_num_groups": "16",
        "unet.time_scale": "2.0",
        "unet.conditioning": "gap",
        "unet.embedding_precision": "fp32",
        "unet.flash_attention": "true",
        "unet.resblock_updown": "true",
        "meanflow.prediction": "u",
        "meanflow.tangent": "v_head",
        "meanflow.jvp": "finite_difference meanflow.fd_step=0.001",
        "meanflow.fd_scheme": "central",
        "meanflow.derivative_precision": "bf16",
        "meanflow.loss_terms": "dual",
        "meanflow.reduction": "sum",
        "meanflow.loss_power": "1.5",
        "meanflow.mask_share": "0.5",
        "meanflow.mask_block": "2 meanflow.mask_share=0.5",
        "meanflow.norm_eps": "0.5",
        "meanflow.norm_p": "0.5",
        "meanflow.t_min": "0.01",
        "meanflow.channel_weights": "inverse_variance",
        "meanflow.guidance_scale": '2.0 covariates.columns=["age=1..2"]',
        "meanflow.guidance_mixing": '0.5 covariates.columns=["age=1..2"]',
        "meanflow.guidance_interval": '[0.0,0.5] meanflow.guidance_scale=2.0 covariates.columns=["age=1..2"]',
        "covariates.columns": '["age=1..2"]',
        "covariates.dropout": '0.2 covariates.columns=["age=1..2"]',
        "time_sampling.mu": "0.0",
        "time_sampling.sigma": "2.0",
        "time_sampling.r_mu": "-4.0",
        "time_sampling.r_sigma": "1.6",
        "time_sampling.data_proportion": "0.5",
        "time_sampling.uniform_fraction": "0.1",
        "time_sampling.t_min": "0.01",
        "training.measure_weights_every_steps": "9",
        "training.epochs": "9",
        "training.micro_batches_per_epoch": "9",
        "training.batch_size_per_gpu": "9",
        "training.gpus": "1",
        "training.gradient_accumulation_steps": "9",
        "training.optimiser": "adam",
        "training.activation_checkpointing": "non_reentrant",
        "training.ddp_static_graph": "true",
        "training.deterministic": "false",
        "training.learning_rate": "0.5",
        "training.beta1": "0.5",
        "training.beta2": "0.5",
        "training.adam_eps": "0.5",
        "training.weight_decay": "0.5",
        "training.lr_schedule": "linear",
        "training.warmup_steps": "9",
        "training.gradient_clip": "null",
        "training.precision": "bf16",
        "training.reported_loss": "weighted",
        "training.monitors": "false",
        "training.diagnostics": "false",
        "training.divergence_warn_ratio": "9.0",
        "training.divergence_threshold": "null",
        "training.checkpoint_every_steps": "9",
        "training.compile": "true",
        "training.keep_last_checkpoints": "9",
        "training.keep_best_checkpoints": "9",
        "training.seed": "9",
        "ema.decay": "0.5",
    }
