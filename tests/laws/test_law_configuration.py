"""The configuration schema against law CFG-001."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.config import Config, load_config
from neuromf.config.recipe_files import read_recipe, recipe_names, recipe_sources
from neuromf.config.resolve import flat_config, flatten
from neuromf.errors import InputError

pytestmark = pytest.mark.law("CFG-001")
KEYS = tuple(flat_config(Config()))
LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz_")


@given(key=st.sampled_from(KEYS), place=st.floats(0, 1, exclude_max=True), letter=LETTERS)
def test_a_misspelt_key_is_refused_by_name(key, place, letter):
    """A key with one letter added is an error that names it, at any place of any key."""
    section, name = key.split(".")
    index = int(place * len(name))
    misspelt = f"{section}.{name[:index]}{letter}{name[index:]}"
    if misspelt in KEYS:
        return
    assert not law("CFG-001").predicate(unknown=[misspelt]).passed
    with pytest.raises(InputError) as caught:
        load_config(["recommended"], [f"{misspelt}=1"])
    assert caught.value.key == misspelt
    assert caught.value.problem.startswith("unknown key")


@given(key=st.sampled_from(KEYS), section=st.sampled_from(sorted(Config.model_fields)))
def test_a_key_in_a_foreign_section_is_refused(key, section):
    """A key that belongs to another section is an error, not a setting without effect."""
    name = key.split(".")[1]
    if f"{section}.{name}" in KEYS:
        return
    with pytest.raises(InputError, match="unknown key"):
        load_config(["recommended"], [f"{section}.{name}=1"])


@pytest.mark.parametrize("recipe", recipe_names())
def test_a_shipped_recipe_sets_known_keys_alone(recipe):
    """Every key that a shipped recipe sets, and every key it gives a source for, is one of the schema's."""
    named = {path for path, _ in flatten(read_recipe(recipe))} | set(recipe_sources(recipe))
    judged = law("CFG-001").predicate(unknown=named - set(KEYS))
    assert judged.passed, judged
