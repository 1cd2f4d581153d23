"""The line of a file on which a value is set, or the nearest place to it."""

import os
from pathlib import Path

import pytest
import yaml

from neuromf.config import load_config
from neuromf.config.key_lines import key_lines
from neuromf.config.places import FilePlace, error_place, key_places
from neuromf.config.provenance import value_sources
from neuromf.config.resolve import flat_config, flatten
from neuromf.errors import InputError

pytestmark = pytest.mark.law("OBS-003")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def test_a_key_has_the_line_of_its_own_name():
    """Not that of its value or of its section, comments and blank lines counted."""
    lines = key_lines(
        write(
            "a.yaml", "# a\n\ntraining:\n  # b\n  epochs: 3\n  beta2:\n    0.95\nema.decay: 0.9\ndata: {shape:\n [8]}\n"
        )
    )
    assert lines == {
        "training": 3,
        "training.epochs": 5,
        "training.beta2": 6,
        "ema.decay": 8,
        "data": 9,
        "data.shape": 9,
    }


def test_what_a_merge_key_brings_has_the_line_where_it_is_written():
    """A key beside the merge wins over the merged one, as it does for the value."""
    text = "training: &base\n  epochs: 3\n  beta2: 0.9\nema:\n  <<: *base\n  beta2: 0.8\n"
    lines = key_lines(write("a.yaml", text))
    assert (lines["ema.epochs"], lines["ema.beta2"], lines["training.beta2"]) == (2, 6, 3)


def test_of_several_merged_sections_the_first_has_the_line():
    """As it has the value."""
    text = "training: &a\n  epochs: 1\ndata: &b\n  epochs: 2\nema:\n  <<: [*a, *b]\n"
    assert key_lines(write("a.yaml", text))["ema.epochs"] == 2


@pytest.mark.parametrize("recipe", ["failed_225", "phase4c"])
@pytest.mark.parametrize("margin", [0, 7])
def test_every_key_of_a_file_has_the_line_that_names_it(recipe, margin):
    """A whole configuration, in sections: the line that is told holds the key, however far down it stands."""
    tree = load_config([recipe]).model_dump(mode="json")
    text = "# moved\n" * margin + yaml.safe_dump(tree).replace("null", "~")
    lines, rows = key_lines(write("a.yaml", text)), text.splitlines()
    for key, _ in flatten(tree):
        assert rows[lines[key] - 1].strip().startswith(f"{key.rpartition('.')[2]}:"), key


def test_the_last_file_that_sets_a_key_is_its_place():
    """Of two layers, and of a file and what it extends, the one whose value counts."""
    write("base.yaml", "training:\n  beta2: 0.9\n  epochs: 2\n")
    write("child.yaml", "extends: ./base.yaml\n\ntraining:\n  beta2: 0.8\n")
    write("over.yaml", "#\nema:\n  decay: 0.5\n")
    places = key_places(["child.yaml", "over.yaml"])
    assert places.of("training.beta2") == FilePlace(Path("child.yaml"), 4)
    assert places.of("training.epochs") == FilePlace(Path("base.yaml"), 2 + 1)
    assert places.of("ema.decay") == FilePlace(Path("over.yaml"), 3)


def test_a_value_of_a_recipe_is_placed_where_the_recipe_is_extended():
    """The line of `extends`, with a note that names the recipe."""
    write("a.yaml", "#\nextends: failed_225\n")
    place = key_places(["a.yaml"]).of("training.beta2")
    assert (place.file, place.line) == (Path("a.yaml"), 2)
    assert place.note == "training.beta2 is from recipe failed_225, which this line extends"


def test_a_value_of_a_recipe_beside_a_file_is_placed_at_its_top():
    """No line names the recipe; the note does."""
    write("a.yaml", "#\nema:\n  decay: 0.5\n")
    place = key_places(["failed_225", "a.yaml"]).of("training.beta2")
    assert (place.file, place.line) == (Path("a.yaml"), 1)
    assert place.note == "training.beta2 is from recipe failed_225, named beside this file"


def test_an_override_is_not_placed_at_the_line_that_it_overrides():
    """The line in the file holds another value: the top of the file is told, with a note."""
    write("a.yaml", "#\ntraining:\n  beta2: 0.9\n")
    for override in ("training.beta2=0.5", "training={beta2: 0.5}"):
        place = key_places(["a.yaml"], [override]).of("training.beta2")
        assert (place.file, place.line) == (Path("a.yaml"), 1)
        assert place.note == "training.beta2 is from --set"


def test_a_default_is_placed_at_its_section_or_at_the_top():
    """The section is where the key would be written; the note says that it is not."""
    write("a.yaml", "#\ntraining:\n  beta2: 0.9\n")
    place = key_places(["a.yaml"]).of("training.epochs")
    assert (place.line, place.note) == (2, "training.epochs is not set here; its default counts")
    place = key_places(["a.yaml"]).of("ema.decay")
    assert (place.line, place.note) == (1, "ema.decay is not set in this file; its default counts")


def test_without_a_file_there_is_no_place_but_a_note():
    """A recipe that is judged by its name lies in no file of the user's."""
    place = key_places(["failed_225"], ["ema.decay=0.5"]).of("training.beta2")
    assert (place.file, place.note) == (None, "training.beta2 is from recipe failed_225")
    assert key_places(["failed_225"], ["ema.decay=0.5"]).of("ema.decay").note == "ema.decay is from --set"


def test_a_value_has_a_plain_place_exactly_where_a_file_is_its_source():
    """Places and `value_sources`, which the table shows, do not contradict each other on any key."""
    write("base.yaml", "extends: phase4c\ntraining:\n  beta2: 0.9\n")
    write("child.yaml", "extends: ./base.yaml\nunet.time_scale: 3.0\nema: {decay: 0.5}\n")
    layers, overrides = ["smoke", "child.yaml"], ["training.epochs=2"]
    sources, places = value_sources(layers, overrides), key_places(layers, overrides)
    for key in flat_config(load_config(layers, overrides)):
        place, source = places.of(key), sources.get(key, "")
        assert (place.note == "") is (source in ("base.yaml", "child.yaml")), key
        assert place.note or str(place.file) == source, key


def failing(*layers, overrides=()):
    with pytest.raises(InputError) as caught:
        load_config(layers, overrides)
    place = error_place(caught.value, layers)
    return (None if place.file is None else str(place.file), place.line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("#\ntraining:\n  epochs: 3\n  epocs: 4\n", 4),  # a key that the schema does not know
        ("#\n\ntraining:\n  epochs: many\n", 4),  # a value of the wrong type
        ("ema:\n  decay: 0.5\ntraning:\n  epochs: 1\n", 3),  # a section that the schema does not know
        ("training:\n  epochs: 1\n  epochs: 2\n", 3),  # a key twice
        ("training:\n  epochs: 042\n", 2),  # a word that readers of YAML do not agree on
        ("training:\n  epochs: [1\n#\n#\n", 5),  # no YAML, as its parser says
        ("#\nextends: nobody\n", 2),
        ("training.epochs: 1\ntraining:\n  epochs: 2\n", 2),  # twice, with a dot and as a section
        ("", 1),
    ],
)
def test_what_cannot_be_read_is_placed_on_its_line(text, line):
    """Whatever is wrong with a file, the place of the error is the line that shows it."""
    write("a.yaml", text)
    layers = ["a.yaml"] if text else ["a.yaml", "absent.yaml"]
    assert failing(*layers) == ("a.yaml", line)


def test_an_error_in_what_a_file_extends_is_placed_in_that():
    """The file that was given is sound."""
    write("base.yaml", "training:\n  epocs: 2\n")
    write("child.yaml", "extends: ./base.yaml\n")
    assert failing("child.yaml") == ("base.yaml", 2)


def test_an_error_of_an_override_is_placed_at_the_top_of_the_file():
    """No line of the file is wrong."""
    write("a.yaml", "#\ntraining:\n  epochs: 2\n")
    assert failing("a.yaml", overrides=["training.epochs=many"]) == ("a.yaml", 1)
    assert failing("failed_225", overrides=["training.epochs=many"]) == (None, 1)


def test_a_file_that_is_not_utf_8_is_placed_at_its_top():
    """No line can be told of bytes that are no text."""
    Path("a.yaml").write_bytes(b"#\ntraining:\n  epochs: \xe9\n")
    assert failing("a.yaml") == ("a.yaml", 1)


def test_an_error_about_what_a_key_names_is_placed_at_the_key():
    """As that of a folder of scans which is not there."""
    write("a.yaml", "data:\n  source: nifti\n  root: nowhere\n")
    error = InputError("is not there", remedy="name one", file=os.path.abspath("nowhere"), key="data.root")
    assert error_place(error, ["a.yaml"]) == FilePlace(Path("a.yaml"), 3)
    assert error_place(InputError("is no TOML", remedy="x", file="a.yaml", key="--waivers"), ["b.yaml"]).line == 1
