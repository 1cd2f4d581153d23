"""The template for GitLab: its form, and its very lines run."""

import fnmatch
import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import yaml

from tests.support.neuromf_on_path import ROOT, environment

FILE = ROOT / ".gitlab" / "neuromf-gate.yml"
TEMPLATE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
JOB = TEMPLATE["neuromf-gate"]
BAD = "training:\n  epochs: 10\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"


@pytest.fixture
def script(tmp_path):
    """Run the script of the job in a folder."""

    def call(*, real=False, code=0, **given):
        bin_folder = tmp_path / f"bin{len(list(tmp_path.glob('bin*')))}"
        settings = environment(bin_folder, real=real, code=code) | TEMPLATE["variables"] | given
        command = ["sh", "-ec", "\n".join(JOB["script"])]
        ended = subprocess.run(
            command, cwd=tmp_path / "work", env=settings, capture_output=True, text=True, check=False
        )
        calls = bin_folder / "CALLS"
        return ended, [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    (tmp_path / "work" / "configs").mkdir(parents=True)
    return call


def write(tmp_path, **texts):
    for name, text in texts.items():
        (tmp_path / "work" / "configs" / f"{name}.yaml").write_text(text)


def test_the_template_has_the_form_that_gitlab_asks_for():
    """By the schema of its pipelines."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(FILE)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_each_configuration_leaves_tests_and_a_page(script, tmp_path):
    """Whatever it is called; the job's artifacts take both, also where it fails."""
    write(tmp_path, a=BAD, **{"b c": "extends: recommended\n", "é": "training:\n  epocs: 1\n"})
    ended, _ = script(real=True)
    assert ended.returncode == 2
    left = sorted(os.listdir(tmp_path / "work" / "gate"))
    assert left == ["1-a.yaml.html", "1-a.yaml.xml", "2-b c.yaml.html", "2-b c.yaml.xml", "3-é.yaml.xml"]
    artifacts = JOB["artifacts"]
    assert (artifacts["when"], artifacts["paths"]) == ("always", ["gate/"])
    tests = [name for name in left if fnmatch.fnmatch(f"gate/{name}", artifacts["reports"]["junit"])]
    roots = [ElementTree.parse(tmp_path / "work" / "gate" / name).getroot() for name in tests]
    assert [root.attrib["name"].partition("gate ")[2] for root in roots] == [
        "configs/a.yaml",
        "configs/b c.yaml",
        "configs/é.yaml",
    ]


def test_a_pattern_without_a_file_fails(script):
    """The shell hands it on as it is, and the gate finds no such file."""
    ended, _ = script(real=True)
    assert ended.returncode == 2
    assert "'configs/*.yaml' is neither a recipe nor a file" in ended.stderr


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_job_ends_with_the_worst_exit_code(script, tmp_path, code):
    """After all configurations, not at the first."""
    write(tmp_path, a="", b="")
    ended, calls = script(code=code)
    assert (ended.returncode, len(calls)) == (code, 2)


@pytest.mark.law("OBS-003")
def test_a_passing_configuration_does_not_hide_a_blocked_one(script, tmp_path):
    """Whichever comes first."""
    write(tmp_path, a=BAD, b="extends: recommended\n")
    assert script(real=True)[0].returncode == 1


def test_nothing_is_installed_that_was_not_named():
    """A name of a public index may be somebody else's: without a source the job says what it needs."""
    settings = {name: value for name, value in os.environ.items() if name != "NEUROMF_SOURCE"}
    ended = subprocess.run(
        ["sh", "-ec", *JOB["before_script"]], env=settings, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "NEUROMF_SOURCE: set it to what pip installs" in ended.stderr
