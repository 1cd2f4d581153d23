"""Facts from the YAML of the official JAX code."""

import pytest

from neuromf.errors import InputError
from neuromf.facts.importers import import_facts

RUN = """\
model: {cls: DiT_B_4}
dataset: {root: somewhere}
training:
  num_epochs: 240
  batch_size: 256
  ema_type: const
  log_per_step: 100
load_from: null
eval_only: false
"""


def facts_of(folder, text=RUN):
    (folder / "run.yml").write_text(text)
    return import_facts(folder / "run.yml")


def test_defaults_lie_under_the_file(tmp_path):
    """What the file leaves out has the default of that code, whose origin names the line."""
    found = facts_of(tmp_path)
    assert (found.facts.data_proportion, found.facts.norm_eps, found.facts.beta2) == (0.75, 0.01, 0.95)
    assert (
        found.origin["norm_eps"] == "the default of method.norm_eps, Gsunshine/meanflow@d70cb55 (configs/default.py:71)"
    )
    assert found.origin["batch_size"] == "training.batch_size"
    assert found.not_understood == ()


def test_the_net_says_how_many_numbers_a_token_has(tmp_path):
    """B/4 puts out patches of 4 x 4 x 4 numbers from 768 features, XL/2 of 2 x 2 x 4 from 1,152."""
    found = [facts_of(tmp_path, RUN.replace("DiT_B_4", name)).facts for name in ("DiT_B_4", "DiT_XL_2")]
    assert [(facts.token_dims, facts.token_width) for facts in found] == [(64, 768), (16, 1152)]


def test_updates_are_counted_by_whole_batches(tmp_path):
    """1,281,167 images are 5,004 batches of 256."""
    assert facts_of(tmp_path).facts.optimiser_steps == 240 * 5_004


@pytest.mark.law("CFG-003")
def test_guidance_is_in_the_loss_unless_its_factors_are_neutral(tmp_path):
    """With omega 1 and kappa 0 the guided velocity is the plain one."""
    neutral = RUN + "method: {omega: 1.0, kappa: 0.0}\n"
    off = RUN + "method: {guidance_eq: ''}\n"
    found = [facts_of(tmp_path, text).facts.guidance for text in (RUN, neutral, off)]
    assert found == ["from_start", "none", "none"]


@pytest.mark.parametrize(
    ("text", "name", "unknown"),
    [
        (RUN + "method: {noise_dist: uniform}\n", "method.noise_dist", "mu"),
        (RUN.replace("load_from: null", "load_from: old"), "load_from", "initialised_from"),
        (RUN.replace("root: somewhere", "name: faces"), "dataset.name", "optimiser_steps"),
    ],
)
def test_what_facts_cannot_say_is_named(tmp_path, text, name, unknown):
    """Uniform times, weights from elsewhere and unknown images are told, and nothing is guessed for them."""
    found = facts_of(tmp_path, text)
    assert [key for key in found.not_understood if key.startswith(name)]
    assert not found.facts.given(unknown)


def test_an_unknown_key_is_named(tmp_path):
    """By its dotted name; places and logs are not."""
    assert facts_of(tmp_path, RUN + "method: {weight: {kind: new}}\n").not_understood == ("method.weight.kind",)


@pytest.mark.parametrize(
    "text",
    [
        RUN.replace("DiT_B_4", "DiT_B_5"),
        RUN.replace("batch_size: 256", "batch_size: many"),
        RUN.replace("batch_size: 256", "batch_size: 0"),
        RUN.replace("num_epochs: 240", "num_epochs: 0.5"),
        RUN.replace("ema_type: const", "ema_type: cosine"),
        RUN + "method: {P_std: 0}\n",
        RUN + "method: {data_proportion: 2}\n",
        RUN + "method: {omega: [1]}\n",
        RUN.replace("root: somewhere", "image_size: 100000000000000"),
    ],
)
def test_values_that_no_training_has_are_refused(tmp_path, text):
    """A wrong type or range is one sentence that names the file."""
    with pytest.raises(InputError) as caught:
        facts_of(tmp_path, text)
    assert "run.yml" in caught.value.sentence
    assert "\n" not in caught.value.sentence
