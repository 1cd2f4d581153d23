"""`extends` names a recipe or a file, through as many files as are needed."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.config import load_config, resolved_text
from neuromf.config.layers import LONGEST_CHAIN, layer_chain, read_layer
from neuromf.config.provenance import layer_files, value_sources
from neuromf.errors import InputError


@pytest.fixture
def write(tmp_path):
    """Write a file below the test's folder."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def chain(write):
    """A file that extends one in another folder, which extends one beside itself, which extends a recipe."""
    write("lab/site.yaml", "extends: failed_225\ntraining: {epochs: 7, beta1: 0.8}\nema: {decay: 0.9}\n")
    write("lab/group.yml", "extends: site.yaml\ntraining: {epochs: 8, seed: 1}\n")
    return write("me/run.yaml", "extends: ../lab/group.yml\ntraining: {epochs: 9}\n")


def test_each_file_wins_over_what_it_extends(chain):
    """The nearest word counts, down to the recipe at the end of the chain."""
    config = load_config([chain])
    training = config.training
    assert (training.epochs, training.seed, training.beta1, training.warmup_steps) == (9, 1, 0.8, 5000)
    assert config.ema.decay == 0.9


def test_a_path_counts_from_the_file_that_says_it(chain, tmp_path, monkeypatch):
    """The current folder does not matter."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_config(["../me/run.yaml"]) == load_config([chain])


def test_an_absolute_path_may_be_extended(chain, write):
    """A site's file by its whole path."""
    assert load_config([write("other/x.yaml", f"extends: {chain}\n")]) == load_config([chain])


def test_the_resolved_text_of_a_chain_is_whole(chain, write):
    """The resolved text names every key and loads back without the files of the chain."""
    config = load_config([chain])
    assert load_config([write("alone/config.yaml", resolved_text(config))]) == config


def test_each_value_is_traced_to_the_file_that_says_it(chain, tmp_path):
    """The source of a value is the file or recipe that has the last word on it."""
    sources = value_sources([str(chain)], ["training.beta2=0.9"])
    assert sources["training.epochs"] == str(chain)
    assert sources["training.seed"] == str(tmp_path / "me/../lab/group.yml")
    assert sources["ema.decay"] == str(tmp_path / "me/../lab/site.yaml")
    assert sources["training.warmup_steps"] == value_sources(["failed_225"])["training.warmup_steps"]
    assert sources["training.beta2"] == "--set"


def test_a_fault_is_blamed_on_the_file_that_holds_it(chain, tmp_path):
    """A bad value deep in the chain is named with its own file."""
    (tmp_path / "lab/site.yaml").write_text("extends: smoke\nema: {decay: 2.0}\n")
    with pytest.raises(InputError) as caught:
        load_config([chain])
    assert (caught.value.file, caught.value.key) == (str(tmp_path / "me/../lab/site.yaml"), "ema.decay")


def test_a_name_alone_is_a_recipe_and_a_path_is_a_file(write):
    """A file may be called as a recipe is: with its suffix or folder it is the file, without them the recipe."""
    write("smoke", "training: {epochs: 3}\n")
    write("smoke.yaml", "training: {epochs: 4}\n")
    found = {
        base: load_config([write("run.yaml", f"extends: {base}\n")]).training.epochs
        for base in ("smoke", "./smoke", "smoke.yaml")
    }
    assert found == {"smoke": 50, "./smoke": 3, "smoke.yaml": 4}


def test_merged_chain_and_layer_agree(chain):
    """`read_layer` is the chain, merged; the files it was read from are known, the last one first in command."""
    assert read_layer(str(chain))[0]["training"]["epochs"] == 9
    assert layer_chain(str(chain))[0].name == "recipe failed_225"
    assert [path.name for path in layer_files([str(chain), "smoke"])] == ["site.yaml", "group.yml", "run.yaml"]


@pytest.mark.parametrize("others", [["a.yaml"], ["b.yaml", "a.yaml"], ["b.yaml", "c.yaml", "sub/../b.yaml"]])
def test_a_file_that_extends_itself_is_named(write, others):
    """A circle ends in one sentence with every file of it, whatever its paths are."""
    write("sub/x.yaml", "{}\n")
    names = ["a.yaml", *others]
    for name, base in zip(names, others, strict=False):
        write(name, f"extends: {base}\n")
    with pytest.raises(InputError, match="extends itself") as caught:
        load_config([write("a.yaml", f"extends: {others[0]}\n")])
    assert caught.value.key == "extends"
    assert all(name in caught.value.problem for name in names)


def test_a_chain_has_an_end(write):
    """As many files as the limit are read, one more is refused."""
    for number in range(LONGEST_CHAIN):
        base = f"{number + 1}.yaml" if number + 1 < LONGEST_CHAIN else "smoke"
        write(f"{number}.yaml", f"extends: {base}\n")
    assert load_config([write("0.yaml", "extends: 1.yaml\n")]) == load_config(["smoke"])
    with pytest.raises(InputError, match=f"more than {LONGEST_CHAIN} files"):
        load_config([write("one_more.yaml", "extends: 0.yaml\n")])


@pytest.mark.parametrize(
    ("base", "words"),
    [("smoek", "did you mean 'smoke'"), ("none.yaml", "no file"), ("./smoke", "no file"), ("..", "no recipe"),
     ("3", "no recipe"), ("[smoke]", "no recipe"), ("''", "no recipe"), ("a/b", "no file"), ('"\\0.yaml"', "no file"),
     ("x" * 300 + ".yaml", "no file")],
)  # fmt: skip
def test_what_cannot_be_extended_is_refused(write, base, words):
    """An unknown recipe, a missing file, a folder, a list: one sentence with the file that says so."""
    path = write("run.yaml", f"extends: {base}\n")
    with pytest.raises(InputError, match=words) as caught:
        load_config([path])
    assert (caught.value.file, caught.value.key) == (str(path), "extends")


def test_a_layer_name_too_long_for_the_system_is_no_file():
    """A name of 300 letters ends in the sentence for unknown names."""
    with pytest.raises(InputError, match="neither a recipe nor a file"):
        load_config(["x" * 300])


def test_the_gate_writes_over_no_file_of_the_chain(chain, tmp_path):
    """An output that would replace an extended file is refused."""
    base = tmp_path / "lab/site.yaml"
    before = base.read_text()
    result = CliRunner().invoke(app, ["gate", str(chain), "--static", "--json", str(base)])
    assert isinstance(result.exception, InputError) or result.exit_code == 2
    assert base.read_text() == before
