"""`python -m tools bisect-commits`: the commit that moved a golden case's numbers, found in a repository of four."""

from pathlib import Path

import pytest

from tests.support.command_line import run_command
from tests.support.git_repository import git
from tests.support.short_case import short_case
from tools.__main__ import app
from tools.faults.run import copy_writable

ROOT = Path(__file__).parents[2]
CASE = "x_exact"


def commit(folder, file, text, subject):
    path = folder / file
    path.write_text(path.read_text() + text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """This code, a comment, a changed schedule, a word in the README, a slip, and that mended with other numbers."""
    folder = tmp_path_factory.mktemp("commits")
    for name in ("neuromf", "spec", "tools", "golden"):
        copy_writable(ROOT / name, folder / name)
    git(folder, "init", "-q")
    (folder / "README").write_text("a")
    schedule = "neuromf/training/step/schedule.py"
    commits = [commit(folder, "README", "b", "start"), commit(folder, schedule, "# a comment\n", "comment")]
    moved = "\n_multiplier = lr_multiplier\n\n\ndef lr_multiplier(*a):\n    return 1.01 * _multiplier(*a)\n"
    commits.append(commit(folder, schedule, moved, "a faster schedule"))
    commits.append(commit(folder, "README", "c", "end"))
    text = (folder / schedule).read_text()
    commits.append(commit(folder, schedule, "def (", "a slip"))
    (folder / schedule).write_text(text.replace("1.01", "1.02"))
    commits.append(commit(folder, schedule, "# mended\n", "mended, and faster"))
    return folder, commits


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The case of three steps: a dozen processes train it, and the rate differs from the first step on."""
    return short_case(CASE, tmp_path_factory.mktemp("cases"), 3)


@pytest.fixture
def bisect(monkeypatch, capsys, repository, case):
    """Run `python -m tools bisect-commits` in that repository."""
    monkeypatch.chdir(repository[0])
    monkeypatch.setattr("neuromf.golden.case.read_case", lambda _: case)
    return lambda span: run_command(monkeypatch, capsys, "bisect-commits", span, "--case", CASE, app=app)


def test_the_commit_that_moved_the_numbers_is_named(bisect, repository):
    """Its hash and subject; the checkout is untouched and the worktree is gone."""
    folder, commits = repository
    ended = bisect(f"{commits[0]}..{commits[3]}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == f"{commits[2]} a faster schedule"
    assert git(folder, "rev-parse", "HEAD") == commits[-1]
    assert len(git(folder, "worktree", "list").splitlines()) == 1


def test_a_commit_that_does_not_run_is_skipped_and_may_hide_the_culprit(bisect, repository):
    """Exit code 3, and git's own words for the commits it could be."""
    commits = repository[1]
    ended = bisect(f"{commits[3]}..{commits[5]}")
    assert ended.returncode == 3, ended.stderr
    assert "could be any of" in ended.stdout
    assert commits[4] in ended.stdout
    assert commits[5] in ended.stdout


def test_commits_with_the_same_numbers_are_refused(bisect, repository):
    """A comment moves nothing."""
    ended = bisect(f"{repository[1][0]}..{repository[1][1]}")
    assert ended.returncode == 2
    assert "gives the good commit's numbers" in ended.stderr


def test_a_bad_commit_that_does_not_run_is_refused(bisect, repository):
    """It has no numbers to be told by."""
    ended = bisect(f"{repository[1][3]}..{repository[1][4]}")
    assert ended.returncode == 2
    assert "the bad commit does not run the case; give one that does" in ended.stderr


def test_an_unknown_commit_is_refused(bisect, repository):
    """One sentence of the remedy, no traceback."""
    ended = bisect(f"{'0' * 40}..{repository[1][3]}")
    assert ended.returncode == 2
    assert "two commits of this clone" in ended.stderr
