"""What the page on CI tells people to write."""

import re
import subprocess
import sys

import pytest
import yaml
from typer.main import get_command

from neuromf.cli.app import app
from tests.support.neuromf_on_path import ROOT

PAGE = (ROOT / "docs" / "how-to" / "gate-in-ci.md").read_text(encoding="utf-8")
BLOCKS = {text.split("\n")[0].removeprefix("# "): text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)}
WORKFLOW, PIPELINE, HOOKS = (
    yaml.safe_load(BLOCKS[name]) for name in (".github/workflows/gate.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml")
)


@pytest.mark.parametrize(
    ("name", "schema"), [(".github/workflows/gate.yml", "github-workflows"), (".gitlab-ci.yml", "gitlab-ci")]
)
def test_the_example_has_the_form_that_its_reader_asks_for(tmp_path, name, schema):
    """By the schema of GitHub's workflows and of GitLab's pipelines."""
    (tmp_path / "example.yml").write_text(BLOCKS[name])
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{schema}",
        tmp_path / "example.yml",
    ]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_hooks_are_ones_that_pre_commit_reads(tmp_path):
    """The shipped one by its id, and the local one with the shipped entry."""
    for text in re.findall(r"```yaml\n((?:# .pre-commit-config.yaml\n)?repos:.*?)```", PAGE, re.DOTALL):
        (tmp_path / "example.yaml").write_text(text)
        command = [sys.executable, "-m", "pre_commit", "validate-config", tmp_path / "example.yaml"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (shipped,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert HOOKS["repos"][0]["hooks"][0]["id"] == shipped["id"]
    assert yaml.safe_load(BLOCKS["repos:"])["repos"][0]["hooks"][0]["entry"] == shipped["entry"]


def test_the_inputs_of_the_action_are_those_it_has():
    """In the example by name, in the table all of them with their defaults."""
    inputs = yaml.safe_load((ROOT / ".github" / "actions" / "gate" / "action.yml").read_text())["inputs"]
    (step,) = [s for s in WORKFLOW["jobs"]["gate"]["steps"] if "neuromf" in s.get("uses", "")]
    assert step["uses"].split("@")[0].endswith("/.github/actions/gate")
    assert set(step["with"]) <= set(inputs)
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| (?:`(.*)` )?\|$", PAGE, re.MULTILINE)
    assert dict(rows) == {name: item.get("default", "") for name, item in inputs.items()}


def test_the_variables_of_the_template_are_those_it_reads():
    """Each that is set in the example is read by a line of the job."""
    text = (ROOT / ".gitlab" / "neuromf-gate.yml").read_text()
    assert all(re.search(rf"\$\{{?{name}\b", text) for name in PIPELINE["variables"])
    assert (ROOT / PIPELINE["include"][0]["local"]).exists()


def test_the_options_of_the_page_are_those_of_the_command():
    """None is told that does not exist."""
    known = {text for option in get_command(app).commands["gate"].params for text in option.opts}
    lines = [line for line in PAGE.splitlines() if "neuromf gate" in line or line.startswith("| `--")]
    named = set(re.findall(r"(?<=[`\s])--[a-z-]+", " ".join(lines))) - {"--ticket"}
    assert {"--github", "--sarif", "--junit", "--report", "--json", "--each", "--skip-others"} <= named
    assert named <= known
