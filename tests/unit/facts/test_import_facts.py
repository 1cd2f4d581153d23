"""Whose file it is, and files that are nobody's."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromf.errors import InputError
from neuromf.facts.importers import IMPORTERS, import_facts
from neuromf.facts.schema import Facts
from tests.unit.facts.public_code_files import MAIN

FILES = {
    "facts": ("facts.yaml", "data_proportion: 0.75\nbatch_size: 256\n"),
    "public-code": ("train.yaml", MAIN),
    "py-meanflow": ("start.sh", "python train.py --tr_sampler v1 --ratio 0.75\n"),
    "meanflow-jax": ("run.yml", "model: {cls: DiT_B_4}\ntraining: {batch_size: 256}\n"),
}


def written(folder, kind):
    name, text = FILES[kind]
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("kind", IMPORTERS)
def test_a_file_is_known_by_its_form(tmp_path, kind):
    """What is found without a name is what is found with it."""
    path = written(tmp_path, kind)
    assert import_facts(path) == import_facts(path, kind)


@pytest.mark.parametrize(("kind", "other"), list(itertools.permutations(IMPORTERS, 2)))
def test_a_file_of_one_code_is_not_taken_for_anothers(tmp_path, kind, other):
    """Each form fits one importer."""
    from neuromf.facts.importers.read_file import ReadFile

    document = ReadFile.of(written(tmp_path, kind))
    assert IMPORTERS[kind].fits(document)
    assert not IMPORTERS[other].fits(document)


def refused(*paths, importer="auto"):
    with pytest.raises(InputError) as caught:
        import_facts(paths, importer)
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


def test_a_file_that_fits_two_is_refused(tmp_path):
    """JSON whose every key is a fact and an option of py-meanflow could be either; named, it is read."""
    path = tmp_path / "both.json"
    path.write_text('{"batch_size": 64, "norm_p": 1.0}')
    assert "fits facts and py-meanflow" in refused(path)
    assert import_facts(path, "facts").facts.batch_size == 64
    assert not import_facts(path, "py-meanflow").facts.given("batch_size")


def test_files_of_two_codes_are_refused(tmp_path):
    """They are of no one training."""
    sentence = refused(written(tmp_path, "public-code"), written(tmp_path, "meanflow-jax"))
    assert "fits meanflow-jax and public-code" in sentence


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("none.yaml", b"what: 1\n"),
        ("empty.yaml", b""),
        ("empty.txt", b" \n"),
        ("comment.yaml", b"# nothing\n"),
        ("list.yaml", b"- batch_size\n"),
        ("word.yaml", b"batch_size\n"),
        ("null.yaml", b"null\n"),
        ("prose.txt", b"a long story about train.py\n"),
        ("binary.bin", bytes(range(128))),
    ],
)
def test_a_file_that_fits_none_names_the_importers(tmp_path, name, data):
    """The sentence says which there are."""
    (tmp_path / name).write_bytes(data)
    sentence = refused(tmp_path / name)
    assert all(kind in sentence for kind in IMPORTERS)
    assert name in sentence


def test_broken_yaml_is_told_as_such(tmp_path):
    """Where the name says YAML, the fault in it is more use than the list of importers."""
    (tmp_path / "a.yaml").write_text("batch_size: [1\n")
    assert "line" in refused(tmp_path / "a.yaml")


def test_our_own_configuration_is_sent_to_the_gate_without_facts(tmp_path):
    """Its keys are known here, and it is no other code's."""
    (tmp_path / "own.yaml").write_text("extends: recommended\nmeanflow: {norm_p: 1.0}\n")
    assert "without --facts" in refused(tmp_path / "own.yaml")


def test_an_unknown_importer_is_refused(tmp_path):
    """With the names that there are."""
    sentence = refused(written(tmp_path, "facts"), importer="keras")
    assert all(kind in sentence for kind in ("auto", *IMPORTERS))


@pytest.mark.parametrize("kind", sorted(set(IMPORTERS) - {"facts"}))
def test_a_file_of_facts_lies_over_anothers_configuration(tmp_path, kind):
    """What a user knows besides wins, wherever the file stands among the others."""
    (tmp_path / "more.yaml").write_text("optimiser_steps: 1234\nqk_norm: true\n")
    path = written(tmp_path, kind)
    plain, found = import_facts(path), import_facts([tmp_path / "more.yaml", path])
    assert (found.facts.optimiser_steps, found.facts.qk_norm) == (1234, True)
    assert found.origin["qk_norm"] == str(tmp_path / "more.yaml")
    assert (found.facts.mu, found.origin["mu"]) == (plain.facts.mu, plain.origin["mu"])
    assert found.not_understood == plain.not_understood


def test_a_later_file_of_facts_lies_over_an_earlier_one(tmp_path):
    """Also where one takes back what the other gave."""
    (tmp_path / "a.yaml").write_text("norm_p: 1.0\nema_decay: 0.99\n")
    (tmp_path / "b.yaml").write_text("ema_decay: null\n")
    facts = import_facts([tmp_path / "a.yaml", tmp_path / "b.yaml"]).facts
    assert (facts.norm_p, facts.ema_decay, facts.given("ema_decay")) == (1.0, None, True)


@pytest.mark.parametrize("kind", ["py-meanflow", "meanflow-jax"])
def test_codes_that_take_one_file_take_one(tmp_path, kind):
    """A second one is refused by its name."""
    path = written(tmp_path, kind)
    (tmp_path / "second").write_text(path.read_text())
    assert "second" in refused(path, tmp_path / "second")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no fact"),
        ("{}", "no fact"),
        ("- 1", "no fact"),
        ("batch_size: many", "batch_size"),
        ("batch_size: 1.5", "batch_size"),
        ("batch_size: true", "batch_size"),
        ("batch_size: 0", "batch_size"),
        (f"batch_size: 1{'0' * 300}", "batch_size"),
        (f"batch_size: 1{'0' * 5000}", "batch_size"),
        ("mu: .nan", "mu"),
        ("sigma: .inf", "sigma"),
        ("sigma: 1.0e400", "sigma"),
        ("sigma: -1.0", "sigma"),
        ("mu: 1000", "mu"),
        ("mu: [1]", "mu"),
        ("mu: {a: 1}", "mu"),
        ("derivative: guessed", "derivative"),
        ("target_clamped: 1", "target_clamped"),
        ("norm_p: null", "norm_p: null says nothing"),
        ("prediction:", "prediction: null says nothing"),
        ("norm_pp: 1.0", "norm_pp: is no fact"),
        ("norm_p: 1.0\nnorm_p: 2.0", "twice"),
        ("ema_decay: 1.0", "ema_decay"),
        ("batch_size: 2018-01-01", "batch_size"),
        ("1: 2", "not text"),
        ("a: &a [*a]", "alias"),
        ("\x00", "YAML"),
    ],
)
def test_nonsense_in_a_file_of_facts_is_one_sentence(tmp_path, text, named):
    """Each names the file and the key, or what is wrong with the text."""
    (tmp_path / "facts.yaml").write_text(text)
    sentence = refused(tmp_path / "facts.yaml", importer="facts")
    assert named in sentence
    assert "facts.yaml" in sentence
    assert len(sentence) < 1000


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    """As one sentence, whatever the importer."""
    (tmp_path / "latin.yaml").write_bytes("norm_p: 1 # \xe4".encode("latin-1"))
    for path, importer in itertools.product((tmp_path / "latin.yaml", tmp_path, tmp_path / "no"), ("auto", *IMPORTERS)):
        assert "cannot be read" in refused(path, importer=importer)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["${a.b}", "x", "u"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
SECTIONS = ("unet", "meanflow", "training", "trainer", "time_sampling", "ema", "model", "method", "dataset", "paths")
KEYS = (
    *("prediction_type", "jvp_strategy", "norm_eps", "norm_p", "p", "t_min", "adaptive", "channel_weights", "betas"),
    *("batch_size", "lr", "warmup_steps", "mixed_precision", "devices", "accumulate_grad_batches", "decay", "cls"),
    *("mu", "sigma", "data_proportion", "channels", "in_channels", "image_size", "name", "P_std", "omega"),
)
TREES = st.dictionaries(
    st.sampled_from((*SECTIONS, *Facts.model_fields)) | st.text(max_size=4),
    VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6),
    max_size=6,
)


@pytest.mark.parametrize("kind", ["auto", *IMPORTERS])
@given(tree=TREES)
@settings(max_examples=60, deadline=None)
def test_any_tree_is_facts_or_one_sentence(tmp_path_factory, kind, tree):
    """No shape of a file ends in anything but facts or an input error."""
    import json

    path = tmp_path_factory.mktemp("tree") / "any.yaml"
    path.write_text(" " + json.dumps(tree), encoding="utf-8")
    try:
        found = import_facts(path, kind)
    except InputError as error:
        sentence = error.sentence
        assert "\n" not in sentence
    else:
        assert set(found.origin) == found.facts.model_fields_set


WORDS = st.lists(
    st.sampled_from(
        ["--ratio", "0.5", "=", "--lr=$A", "'", '"', "\\\n", "train.py", ";", "--P_mean_t", "-3", "\n", "nan"]
    )
)


@given(text=st.text(max_size=60) | WORDS.map(" ".join))
@settings(max_examples=200, deadline=None)
def test_any_text_of_options_is_facts_or_one_sentence(tmp_path_factory, text):
    """Quotes that stay open, lone dashes and the like end in an input error."""
    path = tmp_path_factory.mktemp("text") / "start.sh"
    path.write_text("--ratio 0.5 " + text, encoding="utf-8", newline="")
    try:
        import_facts(path, "py-meanflow")
    except InputError as error:
        sentence = error.sentence
        assert "\n" not in sentence
