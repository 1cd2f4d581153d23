"""Which YAML files are configurations of neuromf."""

import os
from pathlib import Path

import pytest

from neuromf.config.foreign import is_ours
from neuromf.config.recipe_files import FOLDER, recipe_names
from neuromf.config.schema import Config


def ours(tmp_path, text, name="a.yaml"):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(data)
    return is_ours(str(tmp_path / name))


@pytest.mark.parametrize("section", Config.model_fields)
def test_one_section_makes_a_file_ours(tmp_path, section):
    """As a section or with a dot, beside other keys, quoted, or in braces."""
    for text in (
        f"{section}:\n  a: 1\n",
        f"#\nother: 1\n{section}.a: 1\n",
        f"'{section}': {{}}",
        f'{{\n "a": 1,\n "{section}": {{}}}}',
    ):
        assert ours(tmp_path, text), text


def test_a_file_that_extends_another_is_ours(tmp_path):
    """It may say nothing else."""
    assert ours(tmp_path, "extends: failed_225\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "- training:\n    epochs: 1\n",
        "jobs:\n  training:\n    epochs: 1\n",
        "on: push\njobs: {}\n",
        "trainings:\n  epochs: 1\n",
        "a: |\n  training: 1\n",
        "a: 'b\n\ntraining: 1'\n",
        "one: 1\n---\ntwo: 2\n",
        "plain text",
        "a: !custom [1]\n",
        b"\xff\xfe\x00",
    ],
)
def test_a_file_without_a_key_of_ours_is_not(tmp_path, text):
    """Our words below the top level, and in text, do not count; nor need it be YAML that we read."""
    assert not ours(tmp_path, text)


@pytest.mark.law("OBS-003")
@pytest.mark.parametrize(
    "text",
    ["training:\n  epochs: [1\n", "training:\n\tepochs: 1\n", "training:\n  a: 1\n  a: 2\n", b"training:\n  a: \xe9\n"],
)
def test_a_broken_file_of_ours_is_ours(tmp_path, text):
    """So that its fault is told, and not passed over."""
    assert ours(tmp_path, text)


def test_every_shipped_recipe_is_ours():
    """By its name, and by what it holds; `recommended` holds nothing, for its values are the defaults."""
    folder = Path(__file__).parents[3].joinpath(*FOLDER.split("."))
    for name in recipe_names():
        assert is_ours(name)
        assert is_ours(str(folder / f"{name}.yaml")) is (name != "recommended")


def test_what_is_not_there_is_ours(tmp_path):
    """So that a name that is misspelt is told; the same holds of what cannot be opened."""
    assert is_ours(str(tmp_path / "absent.yaml"))
    os.mkfifo(tmp_path / "pipe")
    assert is_ours(str(tmp_path / "pipe"))
