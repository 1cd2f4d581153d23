"""A number in YAML is the number that a person reads, or it is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neuromf.config import load_config
from neuromf.config.yaml_file import parse_yaml
from neuromf.errors import InputError


def write(folder, text, name="run.yaml"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("042", "write 42"),
        ("-017", "write -17"),
        ("1:30", "quotes"),
        ("1:30.5", "quotes"),
        ("0x1F", "write 31"),
        ("0b101", "write 5"),
        ("1_000", "write 1000"),
        ("1_000.5", "write 1000.5"),
        ("yes", "write true"),
        ("off", "write false"),
    ],
)
@pytest.mark.parametrize("in_file", [True, False], ids=["file", "--set"])
def test_a_number_that_yaml_changes_is_refused_with_key_and_remedy(tmp_path, typed, remedy, in_file):
    """YAML 1.1 reads 042 as 34 and 1:30 as 90: in a file and after --set both end in one sentence."""
    layer = write(tmp_path, f"training:\n  epochs: {typed}\n") if in_file else "smoke"
    with pytest.raises(InputError) as caught:
        load_config([layer], [] if in_file else [f"training.epochs={typed}"])
    assert caught.value.key == "training.epochs"
    assert typed in caught.value.problem
    assert remedy in caught.value.remedy


def test_such_a_number_is_refused_wherever_it_stands(tmp_path):
    """In a list, in a list of a list, and behind an anchor."""
    for text in ("data:\n  shape: [64, 064, 64]\n", "data: {shape: &s [0x40, 64, 64]}\n"):
        with pytest.raises(InputError, match="to YAML") as caught:
            load_config([write(tmp_path, text)])
        assert caught.value.key == "data.shape"


def test_the_same_text_in_quotes_is_text(tmp_path):
    """A folder may be called 042."""
    path = write(tmp_path, "data:\n  source: folder\n  root: '/042'\n")
    assert load_config([path]).data.root == "/042"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("training:\n  epochs: '42'\n", "write 42 without quotes"),
        ("training:\n  epochs: 1e3\n", "write 1000"),
        ("training:\n  learning_rate: 1e-4\n", "write 1.0e-04"),
        ("training:\n  learning_rate: '0.5'\n", "write 0.5 without quotes"),
    ],
)
def test_the_advice_fits_the_key(tmp_path, text, advice):
    """An integer is advised for an integer, a number with a point for a number."""
    with pytest.raises(InputError) as caught:
        load_config([write(tmp_path, text)])
    assert advice in caught.value.remedy


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_what_a_person_writes_is_what_is_read(value):
    """Every number as Python prints it, with a point where there is an exponent, is read as that number or as text."""
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    if "inf" in text:
        text = text.replace("inf", ".inf")
    assert parse_yaml(f"a: {text}", file="f")["a"] == value


@given(st.text(alphabet="0123456789_:.xXbBoOeE+-", min_size=1, max_size=8))
def test_no_plain_text_becomes_a_number_that_it_does_not_show(text):
    """Whatever stands there: it is refused, or it is text, or Python reads the same number."""
    try:
        value = parse_yaml(f"a: {text}", file="f")
    except InputError:
        return
    value = value["a"] if isinstance(value, dict) and "a" in value else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert float(text) == float(value)


def test_merge_keys_are_merged(tmp_path):
    """`<<` brings in the keys of one mapping or of several, beneath those that stand there."""
    text = """
training: &base
  epochs: 7
  seed: 3
ema: {decay: 0.9}
"""
    merged = parse_yaml("base: &b {x: 1, y: 2}\nmore: &m {z: 3, x: 9}\nall: {<<: [*b, *m], y: 5}\n", file="f")
    assert merged["all"] == yaml.safe_load("{x: 1, y: 5, z: 3}")
    assert load_config([write(tmp_path, text)]).training.epochs == 7


def test_a_merge_key_of_something_else_is_refused(tmp_path):
    """A number cannot be merged."""
    with pytest.raises(InputError, match="merg"):
        load_config([write(tmp_path, "training:\n  <<: 3\n")])


def test_a_file_may_extend_a_file(tmp_path):
    """The path counts from the file that names it, and a chain ends in a recipe."""
    (tmp_path / "base").mkdir()
    write(tmp_path / "base", "extends: failed_225\ntraining: {epochs: 7, seed: 1}\n", "lab.yaml")
    path = write(tmp_path, "extends: base/lab.yaml\ntraining: {seed: 2}\n")
    config = load_config([path])
    assert (config.training.epochs, config.training.seed, config.training.beta2) == (7, 2, 0.999)


def test_a_fault_in_the_file_beneath_is_named_with_that_file(tmp_path):
    """The sentence names the file in which the value stands."""
    base = write(tmp_path, "training: {epochs: -1}\n", "base.yaml")
    with pytest.raises(InputError) as caught:
        load_config([write(tmp_path, "extends: base.yaml\n")])
    assert caught.value.file == str(base)


def test_files_that_extend_each_other_are_refused(tmp_path):
    """The circle is named."""
    write(tmp_path, "extends: b.yaml\n", "a.yaml")
    write(tmp_path, "extends: a.yaml\n", "b.yaml")
    with pytest.raises(InputError, match=r"a\.yaml.*b\.yaml.*a\.yaml") as caught:
        load_config([tmp_path / "a.yaml"])
    assert caught.value.key == "extends"


@pytest.mark.parametrize(("base", "words"), [("nothing", "neither a recipe nor a file"), ("[a]", "name one")])
def test_what_cannot_be_extended_is_refused(tmp_path, base, words):
    """No such recipe or file, or no text."""
    with pytest.raises(InputError, match=words) as caught:
        load_config([write(tmp_path, f"extends: {base}\n")])
    assert caught.value.key == "extends"


def test_a_relative_folder_counts_from_the_file_that_names_it(tmp_path, monkeypatch):
    """And one after --set from the current folder; both are absolute from then on."""
    (tmp_path / "project").mkdir()
    text = "data: {source: folder, root: scans}\n"
    path = write(tmp_path / "project", text)
    monkeypatch.chdir(tmp_path)
    assert load_config([path]).data.root == str(tmp_path / "project" / "scans")
    assert load_config([path], ["data.root=other"]).data.root == str(tmp_path / "other")
    assert load_config([path], ["data.root=/scans"]).data.root == "/scans"


def test_weights_beside_the_file_are_found_from_any_folder(tmp_path, monkeypatch):
    """A relative checkpoint that lies beside the file is that one; another is looked for in the current folder."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "weights.pt").touch()
    path = write(tmp_path / "project", "vae: {checkpoint: weights.pt}\n")
    monkeypatch.chdir(tmp_path)
    assert load_config([path]).vae.checkpoint == str(tmp_path / "project" / "weights.pt")
    assert load_config([write(tmp_path, "vae: {checkpoint: demo}\n")]).vae.checkpoint == "demo"
