"""The hook, run by pre-commit itself in a small repository."""

import subprocess
import sys

import pytest
import yaml

from tests.support.git_repository import git
from tests.support.neuromf_on_path import ROOT, environment

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
BAD = "training:\n  epochs: 10\nunet:\n  time_scale: 1000.0\n"
BAD += "training.precision: bf16\nmeanflow:\n  jvp: finite_difference\n  fd_step: 0.001\n"
GOOD = "extends: recommended\n"


@pytest.fixture
def hook(tmp_path):
    """A repository with the hook, and a function that stages files in another and runs pre-commit there.

    The hook's `language` is `system` here, so that nothing is installed; all else is as it is shipped.
    """
    source, work = tmp_path / "source", tmp_path / "work"
    for folder in (source, work):
        folder.mkdir()
        git(folder, "init", "--quiet")
    hooks = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    (source / ".pre-commit-hooks.yaml").write_text(yaml.safe_dump([{**hook, "language": "system"} for hook in hooks]))
    git(source, "add", "-A")
    git(source, "commit", "--quiet", "-m", "hooks")
    settings = environment(tmp_path / "bin", real=True) | {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "COLUMNS": "160"}

    def call(**texts):
        for name, text in texts.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_text(text, encoding="utf-8")
            git(work, "add", "--", name)
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(source), "neuromf-gate", "--verbose"]
        return subprocess.run(command, cwd=work, env=settings, capture_output=True, text=True, check=False)

    call.work = work
    return call


def test_the_manifest_is_one_that_pre_commit_reads():
    """By its own check, and each configuration is judged by itself."""
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (shipped,) = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert shipped["id"] == "neuromf-gate"


@pytest.mark.law("OBS-003")
def test_changed_configurations_are_judged_each_by_itself(hook):
    """All of them in one call, whatever they are called; the blocked ones refuse the commit."""
    names = {"a.yaml": BAD, "conf/b c.yaml": GOOD, "conf/é.yml": BAD, "other/a.yaml": GOOD}
    ended = hook(**names)
    assert ended.returncode == 1
    assert "exit code: 1" in ended.stdout
    verdicts = [line.split(":")[0] for line in ended.stdout.splitlines() if line.startswith(("PASS ", "BLOCKED "))]
    assert sorted(verdicts) == ["BLOCKED a.yaml", "BLOCKED conf/é.yml", "PASS conf/b c.yaml", "PASS other/a.yaml"]


def test_only_what_changed_is_judged(hook):
    """A blocked configuration that is committed already refuses no other commit."""
    hook(**{"a.yaml": BAD})
    git(hook.work, "commit", "--quiet", "-m", "blocked", "--no-verify")
    ended = hook(**{"b.yaml": GOOD})
    assert ended.returncode == 0
    assert "PASS b.yaml" in ended.stdout
    assert "a.yaml: " not in ended.stdout


def test_other_yaml_files_pass(hook):
    """They are named, and not judged; a commit without YAML does not call the gate."""
    ended = hook(**{".github/ci.yml": "on: push\njobs: {}\n", "list.yaml": "- training\n"})
    assert ended.returncode == 0
    assert ended.stdout.count("left out, for it has no key of neuromf") == 2
    git(hook.work, "commit", "--quiet", "-m", "others", "--no-verify")
    assert "Skipped" in hook(**{"a.txt": "training:\n"}).stdout


def test_a_configuration_that_does_not_load_refuses_the_commit(hook):
    """With the sentence that tells the line's key."""
    ended = hook(**{"a.yaml": "training:\n  epocs: 1\n", "b.yaml": GOOD})
    assert ended.returncode == 1
    assert "exit code: 2" in ended.stdout
    assert "neuromf: a.yaml: training.epocs: unknown key" in ended.stdout
    assert "PASS b.yaml" in ended.stdout
