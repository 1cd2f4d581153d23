"""The composite action: its form, and its very lines run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.neuromf_on_path import ROOT, environment

FILE = ROOT / ".github" / "actions" / "gate" / "action.yml"
ACTION = yaml.safe_load(FILE.read_text(encoding="utf-8"))
INSTALL, GATE = (
    next(step for step in ACTION["runs"]["steps"] if step.get("name") == name)
    for name in ("Install neuromf", "neuromf gate")
)
BAD = "training:\n  epochs: 10\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"
INPUTS = {"GATE_STATIC": "true", "GATE_SARIF": "", "GATE_ARGUMENTS": ""}


@pytest.fixture
def gate(tmp_path):
    """Run the lines of the step in a folder, with values of the inputs; how it ended, and the calls of `neuromf`."""

    def call(configs, *, real=False, code=0, **given):
        bin_folder = tmp_path / f"bin{len(list(tmp_path.glob('bin*')))}"
        settings = environment(bin_folder, real=real, code=code) | INPUTS | given | {"GATE_CONFIGS": configs}
        settings.pop("GITHUB_STEP_SUMMARY", None)
        command = [sys.executable, "-c", GATE["run"]]
        ended = subprocess.run(
            command, cwd=tmp_path / "work", env=settings, capture_output=True, text=True, check=False
        )
        calls = bin_folder / "CALLS"
        return ended, [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    (tmp_path / "work" / "configs" / "deep").mkdir(parents=True)
    for name in ("a.yaml", "b c.yaml", "deep/é.yaml", "deep/a.yaml", "x[1].yaml"):
        (tmp_path / "work" / "configs" / name).write_text(BAD)
    return call


def named(call):
    """The configurations of a call."""
    return call[call.index("--") + 1 :]


def test_the_action_has_the_form_that_github_asks_for():
    """By the schema of action files."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", str(FILE)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_no_expression_stands_in_a_script():
    """What a user types would become a part of the program; variables are values only."""
    runs = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert len(runs) == 2
    assert not any("${{" in run for run in runs)


def test_every_input_is_handed_on_and_every_variable_is_read():
    """None is named without effect."""
    used = set(re.findall(r"inputs\.([\w-]+)", FILE.read_text(encoding="utf-8")))
    assert used == set(ACTION["inputs"])
    assert set(re.findall(r"\"(GATE_\w+)\"", GATE["run"])) == set(GATE["env"])
    assert set(GATE["env"]) == {*INPUTS, "GATE_CONFIGS"}


def test_the_action_installs_the_checkout_that_holds_it(tmp_path):
    """With the versions that are pinned there, whatever the workflow's own folder is."""
    settings = environment(tmp_path / "bin", real=False) | {"GITHUB_ACTION_PATH": str(FILE.parent)}
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done > installed\n')
    subprocess.run(["bash", "-eo", "pipefail", "-c", INSTALL["run"]], cwd=tmp_path, env=settings, check=True)
    *words, constraints, source = (tmp_path / "installed").read_text().splitlines()
    assert words == ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c"]
    assert Path(constraints).resolve() == ROOT / "constraints.txt"
    assert Path(source).resolve() == ROOT
    assert (ROOT / "pyproject.toml").exists()


@pytest.mark.parametrize(
    ("configs", "found"),
    [
        ("configs/a.yaml", ["configs/a.yaml"]),
        ("configs/*.yaml", ["configs/a.yaml", "configs/b c.yaml", "configs/x[1].yaml"]),
        ("configs/**/a.yaml", ["configs/a.yaml", "configs/deep/a.yaml"]),
        ("\n  configs/b c.yaml\n\nconfigs/*c.yaml\n", ["configs/b c.yaml"]),
        ("configs/x[1].yaml", ["configs/x[1].yaml"]),
        ("failed_225\nconfigs/deep/*", ["failed_225", "configs/deep/a.yaml", "configs/deep/é.yaml"]),
        ("-a.yaml", ["-a.yaml"]),
    ],
)
def test_patterns_name_each_file_once(gate, configs, found):
    """A path or pattern a line; names with blanks and brackets are files like any other."""
    ended, (call,) = gate(configs)
    assert ended.returncode == 0
    assert named(call) == found


@pytest.mark.law("OBS-003")
@pytest.mark.parametrize("configs", ["nowhere/*.yaml", "configs/a.yaml\nconfigs/q?.yaml", "", " \n"])
def test_a_pattern_without_a_file_fails(gate, configs):
    """Nothing is judged, and exit code 2 tells it: a gate that looks at nothing must not pass."""
    ended, calls = gate(configs)
    assert (ended.returncode, calls) == (2, [])
    assert ended.stdout.startswith("::error title=neuromf gate::")


def test_static_is_true_or_false(gate):
    """No third word leaves out the training in silence."""
    assert "--static" in gate("failed_225")[1][0]
    assert "--static" not in gate("failed_225", GATE_STATIC="false")[1][0]
    assert gate("failed_225", GATE_STATIC="True")[0].returncode == 2


@pytest.mark.parametrize(
    "word", ["$(touch owned)", "`touch owned`", "; touch owned", '"; touch owned; "', "'); import os", "%0A::x"]
)
def test_what_a_user_types_is_never_run(gate, tmp_path, word):
    """It arrives as one argument, letter by letter."""
    _, (call,) = gate(word, GATE_ARGUMENTS=f"--waivers\n{word}", GATE_SARIF=word)
    assert call == ["gate", "--each", "--github", "--static", f"--sarif={word}", "--waivers", word, "--", word]
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_step_ends_as_the_gate_does(gate, code):
    """Its exit code decides whether the check is green."""
    assert gate("failed_225", code=code)[0].returncode == code


def test_the_real_gate_takes_the_call(gate, tmp_path):
    """Annotations on standard output, and the SARIF where it was asked for."""
    ended, _ = gate("configs/*.yaml", real=True, GATE_SARIF="gate.sarif")
    assert ended.returncode == 1
    assert "::error file=configs/b c.yaml,line=4,title=JVP-005" in ended.stdout
    (run,) = json.loads((tmp_path / "work" / "gate.sarif").read_text())["runs"]
    assert len({r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}) == 3
