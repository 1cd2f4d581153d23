"""Merge keys (`<<`): a mapping takes over another's keys, as YAML says, without loosening a check."""

from __future__ import annotations

import pytest

from neuromf.config.yaml_file import parse_yaml
from neuromf.errors import InputError


@pytest.mark.law("CFG-001")
def test_a_merged_mapping_gives_what_is_not_said_here():
    """Own keys win over merged ones, before and after the merge key."""
    text = "a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n  z: 4\nc: {<<: *a, x: 5}\n"
    assert parse_yaml(text, file="f") == {
        "a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3, "z": 4}, "c": {"x": 5, "y": 2},
    }  # fmt: skip


def test_of_several_merged_mappings_the_first_wins():
    """`<<: [*a, *b]`: a's keys before b's."""
    text = "a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc: {<<: [*a, *b]}\n"
    assert parse_yaml(text, file="f")["c"] == {"x": 1, "y": 3}


def test_a_merged_mapping_may_itself_merge():
    """Through two merges the nearest word wins."""
    text = "a: &a {x: 1, y: 1, z: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n"
    assert parse_yaml(text, file="f")["c"] == {"x": 1, "y": 2, "z": 3}


def test_merged_values_are_not_shared():
    """Changing what came through one merge changes nothing elsewhere: layers are merged in place."""
    tree = parse_yaml("a: &a {s: {x: 1}}\nb: {<<: *a}\nc: *a\n", file="f")
    tree["b"]["s"]["x"] = 2
    assert tree["a"] == tree["c"] == {"s": {"x": 1}}


def test_a_quoted_merge_key_is_a_key():
    """`"<<"` is text."""
    assert parse_yaml('{"<<": 1}', file="f") == {"<<": 1}


@pytest.mark.parametrize(
    "text",
    ["a: {<<: 3}", "a: {<<: [1]}", "a: {<<: text}", "b: &b {x: 1}\na: {<<: *b, <<: *b}", "a: &a {<<: *a}",
     "a: &a {x: *a}", "a: &a [*a]", "a: {<<: {x: 1}, y: 1, y: 2}", "a: {<<: {x: 042}}", "a: {<<: {1: 2}}"],
)  # fmt: skip
def test_a_senseless_merge_is_refused(text):
    """No mapping, itself, a key twice or an ambiguous number: one sentence."""
    with pytest.raises(InputError) as caught:
        parse_yaml(text, file="f")
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(
    "text", ["a: &a {x: *a}", "a: &a [*a]", "a: &a {<<: *a}", "a: &a {? *a : x}", "a: &a {? [*a] : x}"]
)
def test_an_alias_of_what_holds_it_is_told_with_its_line(text):
    """As a value, in a list, merged or as a key: never followed."""
    with pytest.raises(InputError) as caught:
        parse_yaml(f"b: 1\n{text}", file="f")
    assert caught.value.problem == "an alias stands for something that holds it in line 2"


def test_merged_aliases_count_towards_the_size():
    """Mappings that merge each other's doubled values are refused before they fill the memory."""
    lines = ["a0: &a0 {x: 1, y: 1}", *(f"a{n + 1}: &a{n + 1} {{<<: *a{n}, p{n}: *a{n}}}" for n in range(30))]
    with pytest.raises(InputError, match="more than 100,000 values"):
        parse_yaml("\n".join(lines), file="f")
