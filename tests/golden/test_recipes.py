"""The shipped recipes' kept keys and parameters."""

import pytest

from neuromf.config.recipe_files import recipe_names
from neuromf.errors import InputError
from tools.golden.changelog import GOLDEN, changelog_problems
from tools.golden.recipes import bless_recipe, recipe_digest, recipe_problems


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_what_was_blessed(name):
    """No key, no default and no parameter of a shipped recipe changed since somebody said why."""
    assert recipe_problems(name) == []


def test_every_shipped_recipe_is_kept():
    """A recipe without a golden fails, and so does a golden without a recipe."""
    kept = [path.name for path in (GOLDEN / "recipes").iterdir() if path.is_dir()]
    assert sorted(kept) == sorted(recipe_names())


@pytest.fixture
def kept(tmp_path):
    """A folder with the smoke recipe's golden and its line in the changelog."""
    digest = bless_recipe("smoke", tmp_path / "recipes")
    (tmp_path / "CHANGELOG.md").write_text(f"- 2026-01-01 `recipes/smoke` {digest[:12]}: a reason\n")
    return tmp_path


def test_a_changed_key_is_told_by_its_line(kept):
    """What the golden has and the recipe lacks is shown, and the other way round."""
    config = kept / "recipes" / "smoke" / "config.txt"
    config.write_text(config.read_text().replace("training.seed: 0\n", "training.seed: 1\n"))
    problems = recipe_problems("smoke", kept / "recipes")
    assert problems == ["config.txt: golden lacks `training.seed: 0`", "config.txt: golden has `training.seed: 1`"]


def test_a_changed_parameter_is_told_by_its_line(kept):
    """A layer of another shape is another network."""
    parameters = kept / "recipes" / "smoke" / "params.txt"
    parameters.write_text(parameters.read_text().split("\n", 1)[1])
    problems = recipe_problems("smoke", kept / "recipes")
    assert len(problems) == 1
    assert problems[0].startswith("params.txt: golden lacks `backbone.conv_in")


def test_a_missing_golden_is_a_difference_and_is_not_written(tmp_path):
    """Nothing is compared with nothing, and reading writes nothing."""
    assert len(recipe_problems("smoke", tmp_path)) > 100
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_changed_without_a_line_is_found_by_lint(kept):
    """The digest of both files stands in the changelog."""
    assert changelog_problems(kept) == []
    config = kept / "recipes" / "smoke" / "config.txt"
    config.write_text(config.read_text() + "x: 1\n")
    digest = recipe_digest(kept / "recipes" / "smoke")
    assert changelog_problems(kept) == [
        f"recipes/smoke: its golden ({digest[:12]}) changed without a line in CHANGELOG.md"
    ]


def test_an_unknown_recipe_is_refused(tmp_path):
    """Only what is shipped is blessed."""
    with pytest.raises(InputError, match="no recipe"):
        bless_recipe("none", tmp_path)
