"""Facts from the public code's layers."""

import pytest

from neuromf.errors import InputError
from neuromf.facts.importers import import_facts
from tests.unit.facts.public_code_files import MAIN, checkout


def facts_of(path, *more):
    return import_facts([path, *more])


def with_main(folder, *replaced):
    """The main configuration with text put in the place of other text."""
    text = MAIN
    for old, new in replaced:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return checkout(folder, text)


@pytest.mark.law("OBS-002")
def test_layers_are_merged_as_that_code_merges_them(tmp_path):
    """Under a layer of another folder lie its own base.yaml and the main configuration, and lists are replaced."""
    main = checkout(tmp_path)
    cluster = main.parent / "cluster/train_meanflow.yaml"
    cluster.write_text("trainer: {devices: 3}\ntraining: {betas: [0.8, 0.9]}\n")
    found = import_facts([cluster], "public-code")
    assert (found.facts.beta1, found.facts.beta2) == (0.8, 0.9)
    assert (found.facts.batch_size, found.facts.learning_rate) == (24 * 3, 1e-4)
    (merged,) = [note for note in found.notes if note.startswith("Merged")]
    order = [merged.index(str(path)) for path in (cluster.parent / "base.yaml", main, cluster)]
    assert order == sorted(order)


def test_a_later_file_lies_over_an_earlier_one(tmp_path):
    """Of the files that are named, the last that has a key says its value."""
    main = checkout(tmp_path)
    found = facts_of(main, tmp_path / "difference.yaml")
    assert (found.facts.derivative, found.facts.prediction, found.facts.batch_size) == ("forward", "u", 16 * 2 * 4)
    assert found.name == f"{main} + {tmp_path / 'difference.yaml'}"


def test_a_reference_is_followed_through_the_layers(tmp_path):
    """A value that is one reference has the value of the key it names, as the last layer sets it."""
    main = checkout(tmp_path)
    assert facts_of(main).facts.prediction == "x"
    assert facts_of(main, tmp_path / "difference.yaml").facts.prediction == "u"


@pytest.mark.parametrize(
    "text", ["${oc.env:HOME}", "${oc.decode:'0.5'}", "${nowhere.at.all}", "${unet.t_min}1", "???", "${oc.env:NO,0.5}"]
)
def test_what_is_not_in_the_files_is_named_and_not_guessed(tmp_path, text, monkeypatch):
    """A resolver, a reference to nothing and text around a reference give no fact, and are told as they stand."""
    monkeypatch.setenv("HOME", "0.5")
    found = facts_of(with_main(tmp_path, ("lr: 1.0e-4", f'lr: "{text}"')))
    assert not found.facts.given("learning_rate")
    assert [key for key in found.not_understood if key.startswith("training.lr:") and text in key]


def test_an_environment_variable_is_not_even_read_where_two_layers_meet(tmp_path, monkeypatch):
    """A layer that sets keys under what an earlier one takes from the environment does not resolve it."""
    monkeypatch.setenv("SECRET", "seen")
    main = with_main(tmp_path, ("paths:\n  logs_dir", "diagnostics: ${oc.env:SECRET}\npaths:\n  logs_dir"))
    (tmp_path / "over.yaml").write_text("diagnostics: {enabled: true}\n")
    found = facts_of(main, tmp_path / "over.yaml")
    assert "seen" not in repr(found)


def test_a_resolver_in_a_place_that_laws_do_not_ask_of_is_named_too(tmp_path):
    """Paths say nothing of a training, but one that only the environment knows is told."""
    main = with_main(tmp_path, ("${paths.results_root}/logs", "${oc.env:SCRATCH}/logs"))
    assert [key for key in facts_of(main).not_understood if key.startswith("paths.logs_dir")]
    assert not [key for key in facts_of(checkout(tmp_path / "b")).not_understood if key.startswith("paths")]


@pytest.mark.parametrize(
    ("added", "ends"),
    [
        ("a: ${b}\nb: ${a}\n", "named"),
        ("a: {b: '${a}'}\n", "named"),
        ("".join(f"d{n}: {{x: '${{d{n + 1}}}', y: '${{d{n + 1}}}'}}\n" for n in range(30)) + "d30: {}\n", "refused"),
        ("".join(f"s{n}: '${{s{n + 1}}}${{s{n + 1}}}'\n" for n in range(60)) + "s60: x\n", "named"),
        ("".join(f"l{n}: ['${{l{n + 1}}}', '${{l{n + 1}}}']\n" for n in range(60)) + "l60: x\n", "named"),
    ],
)
def test_references_that_never_end_end_in_a_sentence_or_are_named(tmp_path, added, ends):
    """Circles and doublings cost neither memory nor time."""
    main = with_main(tmp_path, ("latent_spatial_size", f"{added}latent_spatial_size"))
    found = facts_of(main) if ends == "named" else None
    if found is None:
        with pytest.raises(InputError, match=r"cannot be merged|more than 5,000 values"):
            facts_of(main)
    else:
        assert found.not_understood


@pytest.mark.parametrize(
    ("key", "text", "fact", "value"),
    [
        pytest.param("batch_size: 24", "batch_size: 3", "data_proportion", 1 / 3, marks=pytest.mark.law("TIME-002")),
        ("adaptive: true", "adaptive: false", "norm_p", 0.0),
        ("  norm_p: 1.0\n", "", "norm_p", 1.0),
        ("  lr_schedule: cosine\n", "", "lr_schedule", "cosine"),
        ("mixed_precision: bf16", "mixed_precision: fp32", "derivative_precision", "tf32"),
        ("mixed_precision: bf16", "mixed_precision: 32", "derivative_precision", "tf32"),
        ("mixed_precision: bf16", "mixed_precision: double", "derivative_precision", "bf16"),
        ("lr: 1.0e-4", "lr: '2e-4'", "learning_rate", 2e-4),
        ("latent_spatial_size: 48\n", "", "latent_dims", 4 * 48**3),
        ("latent_spatial_size: 48", "latent_spatial_size: 32", "latent_dims", 4 * 32**3),
    ],
)
def test_what_the_code_makes_of_a_key_is_the_fact(tmp_path, key, text, fact, value):
    """Shares are rounded to whole samples, and defaults are those of the code's own reading."""
    found = facts_of(with_main(tmp_path, (key, text)))
    assert getattr(found.facts, fact) == pytest.approx(value)


@pytest.mark.law("EMA-001")
def test_an_average_that_is_updated_each_micro_batch_decays_faster(tmp_path):
    """Of 16 micro-batches an update, each decays the average: its decay of an update is the 16th power."""
    main = checkout(tmp_path)
    found = facts_of(main, main.parent / "cluster/train_meanflow.yaml")
    assert found.facts.ema_decay == pytest.approx(0.9999**16)


def test_what_only_the_code_says_has_an_origin_that_says_so(tmp_path):
    """The time scale of 1000 stands in no file: its origin is a line of the code."""
    found = facts_of(checkout(tmp_path))
    assert found.facts.time_scale == 1000.0
    assert "the code of MarioPasc/neuromf@5506f8a (wrappers/maisi_unet.py:31" in found.origin["time_scale"]
    assert found.origin["mu"] == "time_sampling.mu"


def test_keys_that_nobody_knows_are_named(tmp_path):
    """A key that no fact is made from is told by its dotted name, and one of paths or logs is not."""
    main = with_main(tmp_path, ("  norm_p: 1.0\n", "  norm_p: 1.0\n  norm_epsilon: 2.0\n"))
    assert facts_of(main).not_understood == ("meanflow.norm_epsilon",)


@pytest.mark.parametrize(
    ("key", "text", "name"),
    [
        ("optimizer: adamw", "optimizer: sgd", "training.optimizer"),
        ("distribution: logit_normal", "distribution: uniform", "time_sampling.distribution"),
        ("p: 2.0\n", "p: 1.5\n", "meanflow.p"),
        ("channel_weights: null", "channel_weights: [1, 2, 3, 4]", "meanflow.channel_weights"),
        ("spatial_mask_ratio: 0.0", "spatial_mask_ratio: 0.5", "meanflow.spatial_mask_ratio"),
        ("prediction_type: ${unet.prediction_type}", "prediction_type: u", "unet.prediction_type"),
        ("enabled: false", "enabled: true", "training.augmentation.enabled"),
    ],
)
def test_what_changes_the_training_and_is_no_fact_is_named(tmp_path, key, text, name):
    """A key that the code ignores, or of which the laws know nothing, is told once it is not at its usual value."""
    assert not [key for key in facts_of(checkout(tmp_path / "b")).not_understood if key.partition(":")[0] == name]
    found = facts_of(with_main(tmp_path, (key, text)))
    assert [key for key in found.not_understood if key.partition(":")[0] == name]


def test_the_size_of_an_unusual_loss_is_not_known(tmp_path):
    """Of a loss that is no plain squared error the law on its size is not judged."""
    found = facts_of(with_main(tmp_path, ("p: 2.0\n", "p: 1.5\n")))
    assert not found.facts.given("reduction")


@pytest.mark.parametrize(
    ("key", "text", "named"),
    [
        ("devices: 1", "devices: auto", "trainer.devices"),
        ("batch_size: 24", "batch_size: 2.5", "training.batch_size"),
        ("batch_size: 24", "batch_size: true", "training.batch_size"),
        ("jvp_strategy: exact", "jvp_strategy: guess", "meanflow.jvp_strategy"),
        ("lr: 1.0e-4", "lr: fast", "training.lr"),
        ("lr: 1.0e-4", "lr: -1.0", "training.lr"),
        ("lr: 1.0e-4", "lr: [1]", "training.lr"),
        ("betas: [0.9, 0.95]", "betas: 0.9", "training.betas"),
        ("betas: [0.9, 0.95]", "betas: [a, 0.95]", "training.betas"),
        ("sigma: 1.0", "sigma: 0", "time_sampling.sigma"),
        ("data_proportion: 0.5", "data_proportion: 1.5", "time_sampling.data_proportion"),
        ("decay: 0.9999", "decay: 1.0", "ema.decay"),
        ("in_channels: 4", "in_channels: 10000000000000000", "unet.in_channels"),
        ("warmup_steps: 0", "warmup_steps: -5", "training.warmup_steps"),
    ],
)
def test_a_value_that_no_training_has_is_refused_by_its_key(tmp_path, key, text, named):
    """A wrong type or range is one sentence that names the key of the file, not that of the fact."""
    with pytest.raises(InputError) as caught:
        facts_of(with_main(tmp_path, (key, text)))
    assert named in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_layer_that_is_no_mapping_is_refused(tmp_path):
    """A list cannot be merged."""
    main = checkout(tmp_path)
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InputError, match=r"list\.yaml"):
        facts_of(main, tmp_path / "list.yaml")


def test_layers_of_different_form_are_refused_or_replaced(tmp_path):
    """A section that a later layer makes a number has no keys any more; nothing is guessed from below."""
    main = checkout(tmp_path)
    (tmp_path / "odd.yaml").write_text("ema: 3\ntraining: {max_epochs: 1}\n")
    assert not facts_of(main, tmp_path / "odd.yaml").facts.given("ema_decay")
