"""Plain scalars that YAML 1.1, YAML 1.2 and a reader do not all take for the same: refused, with what to write."""

from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from neuromf.config import load_config, resolved_text, yaml_file
from neuromf.config.scalars import scalar_text
from neuromf.config.yaml_file import parse_yaml
from neuromf.errors import InputError

AMBIGUOUS = {
    "042": "write 42 (or 34)",
    "-017": "write -17 (or -15)",
    "08": "write 8",
    "0x1F": "write 31",
    "0o17": "write 15",
    "0b11": "write 3",
    "1_000": "write 1000",
    "0.1_5": "write 0.15",
    "1:30": "write 90",
    "1:30.5": "write 90.5",
    "1e-4": "write 0.0001",
    "1e-9": "write 1.0e-09",
    "12e03": "write 12000",
    "1.5e5": "write 150000",
    "yes": "write true",
    "No": "write false",
    "on": "write true",
    "OFF": "write false",
    "2020-01-01": "write it in quotes",
    "2020-01-01T10:00:00Z": "write it in quotes",
    ".inf": "write a finite number",
    "-.Inf": "write a finite number",
    ".nan": "write a finite number",
    "1.0e+999": "write a finite number",
    "1.0e-999": "write 0",
}
"""What is refused, and what the sentence advises."""


@pytest.mark.parametrize("key", ["training.epochs", "training.learning_rate", "data.root", "training.compile"])
@pytest.mark.parametrize(("text", "advice"), AMBIGUOUS.items())
def test_a_scalar_that_is_read_in_two_ways_is_refused_under_every_key(tmp_path, key, text, advice):
    """In a file and after --set: one sentence with the key, the text as it stands there and what to write."""
    section, leaf = key.split(".")
    path = tmp_path / "run.yaml"
    path.write_text(f"{section}:\n  {leaf}: {text}\n")
    for arguments, file in ((([path],), str(path)), ((["smoke"], [f"{key}={text}"]), "--set")):
        with pytest.raises(InputError) as caught:
            load_config(*arguments)
        assert (caught.value.file, caught.value.key) == (file, key)
        assert text in caught.value.problem
        assert advice in caught.value.remedy


@pytest.mark.parametrize("text", [text for text, advice in AMBIGUOUS.items() if advice.startswith("write ")])
def test_what_is_advised_is_read_as_it_stands(text):
    """Each number or word that the sentence advises is itself plain, and stands for itself in JSON too."""
    with pytest.raises(InputError) as caught:
        parse_yaml(text, file="x")
    advice = caught.value.remedy.removeprefix("write ").partition(",")[0]
    for part in advice.removesuffix(")").split(" (or "):
        if not part.startswith(("it in", "a finite")):
            assert parse_yaml(part, file="x") == json.loads(part)


def test_lists_are_looked_into_as_well(tmp_path):
    """A number within a list is refused under the list's key."""
    path = tmp_path / "run.yaml"
    path.write_text("data:\n  shape: [064, 64, 64]\n")
    with pytest.raises(InputError, match=r"write 64 \(or 52\)") as caught:
        load_config([path])
    assert caught.value.key == "data.shape"


@pytest.mark.parametrize(
    ("text", "value"),
    [("42", 42), ("+5", 5), ("-3", -3), ("0", 0), ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("1.0e-4", 1e-4),
     ("1.0e+16", 1e16), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
     ("a.pt", "a.pt"), ("1.2.3", "1.2.3"), ("sub-01", "sub-01"), ("'042'", "042"), ('"1e-4"', "1e-4"), ("'yes'", "yes"),
     ("!!str 042", "042"), ("!!int 7", 7), ("!!float 7.5", 7.5), ("=", "="), ("[1, 2.5]", [1, 2.5]),
     ("|\n  042", "042")],
)  # fmt: skip
def test_what_all_read_alike_is_read(text, value):
    """Numbers, words, null and quoted text come through with their own type."""
    found = parse_yaml(text, file="x")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["!!int '042'", "!!int 1:30", "!!float 1e-4x", "!!bool yes", "!!timestamp 2020-01-01",
                                  "!!binary aGk=", "!!set {a, b}", "!!omap [a: 1]", "!own 3",
                                  "!!python/name:os.system x", "!!int [1]", "!!str [1]", "!!null 3", "!!map 3",
                                  "!!int true"])  # fmt: skip
def test_a_tag_does_not_bring_back_what_is_refused(text):
    """An explicit tag reads its text as strictly, and tags beyond those of JSON are refused in one sentence."""
    with pytest.raises(InputError) as caught:
        parse_yaml(f"a: {text}", file="x")
    assert "\n" not in caught.value.sentence


@given(st.text(alphabet="0123456789+-._:eExXobabcfnN~yYsTt", min_size=1, max_size=9))
@example("0x_1")
@example("190:20:30.15")
@example("0o_7")
def test_no_plain_scalar_changes_its_value_from_reader_to_reader(text):
    """Whatever is read is read the same by PyYAML's YAML 1.1, and as the decimal number it is; else it is refused."""
    try:
        value = parse_yaml(f"a: {text}", file="x")["a"]
    except (InputError, KeyError, TypeError):
        return
    old = yaml.safe_load(f"a: {text}")["a"]
    assert (value, type(value)) == (old, type(old))
    assert not isinstance(value, float) or math.isfinite(value)
    if isinstance(value, int | float):
        assert float(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_as_the_resolved_text_writes_it_is_read(value):
    """Every finite float that `resolved_text` may write comes back to the bit."""
    assert parse_yaml(scalar_text(value), file="x") == value


@pytest.mark.parametrize(
    ("key", "text", "remedy"),
    [
        ("training.epochs", '"42"', "write 42 without quotes"),
        ("training.epochs", '"1e2"', "write 100 without quotes"),
        ("training.epochs", '"4.5"', "write a whole number"),
        ("training.epochs", "42.0", "write 42"),
        ("training.epochs", "4.5", "write a whole number"),
        ("training.seed", '"042"', "write 42 without quotes"),
        ("training.learning_rate", '"1e-4"', "write 0.0001 without quotes"),
        ("training.learning_rate", '"3"', "write 3 without quotes"),
        ("data.shape", '["64", 64, 64]', "write 64 without quotes"),
        ("training.compile", '"true"', "write true without quotes"),
        ("training.compile", "1", "valid boolean"),
    ],
)
def test_the_advice_for_a_number_is_of_the_keys_own_kind(key, text, remedy):
    """An integer key is advised an integer, and a number in quotes to be written without."""
    with pytest.raises(InputError) as caught:
        load_config(["smoke"], [f"{key}={text}"])
    assert caught.value.key == key
    assert remedy in caught.value.remedy


def test_a_number_of_ten_thousand_digits_is_one_sentence():
    """Python refuses to read it; so do we."""
    with pytest.raises(InputError) as caught:
        load_config(["smoke"], ["training.epochs=" + "1" * 10_000])
    assert len(caught.value.sentence) < 300
    assert caught.value.problem == "11111111111111111111... has too many digits"


@pytest.mark.parametrize("root", ["/scans/042", "2020-01-01", "on", "é", "\N{GRINNING FACE}", "a: b", "1e5", "\u2028"])
def test_any_folder_survives_the_resolved_text(tmp_path, root):
    """A text comes back from a run's own configuration as it went in, characters beyond 16 bits too."""
    config = load_config(["smoke"], ["data.source=folder", f"data.root={json.dumps(root, ensure_ascii=False)}"])
    path = tmp_path / "config.yaml"
    path.write_text(resolved_text(config), encoding="utf-8")
    assert load_config([path]) == config


def test_without_the_c_library_the_same_is_read(monkeypatch):
    """PyYAML's own parser leaves scalars to us as well."""
    slow = type("Slow", (yaml.SafeLoader,), {"resolve": yaml_file._Loader.resolve})
    monkeypatch.setattr(yaml_file, "_Loader", slow)
    text = "a: &a {x: 1, y: 0.5, z: '042'}\nb: {<<: *a, x: [true, null, text]}\n"
    tree = parse_yaml(text, file="x")
    assert tree["b"] == {"x": [True, None, "text"], "y": 0.5, "z": "042"}
    with pytest.raises(InputError, match="write 42"):
        parse_yaml("a: 042", file="x")
