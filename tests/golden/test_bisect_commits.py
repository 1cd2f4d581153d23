"""`python -m tools bisect-commits`: the commit that moved a golden case's numbers, found in a repository of a few."""

from pathlib import Path

import pytest

from tests.support.command_line import run_command
from tests.support.git_repository import git
from tests.support.rated_code import RATE, write_rated_code
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


def begun(folder):
    """The first commit of a repository of what is in a folder."""
    git(folder, "init", "-q")
    (folder / "README").write_text("a")
    return commit(folder, "README", "b", "start")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Code that trains nothing: a comment, another rate, a word in the README, a slip, and that mended."""
    folder = tmp_path_factory.mktemp("commits")
    write_rated_code(folder)
    commits = [begun(folder), commit(folder, RATE, "# a comment\n", "comment")]
    commits.append(commit(folder, RATE, "RATE = 1.01\n", "a faster schedule"))
    commits.append(commit(folder, "README", "c", "end"))
    text = (folder / RATE).read_text()
    commits.append(commit(folder, RATE, "def (", "a slip"))
    (folder / RATE).write_text(text.replace("1.01", "1.02"))
    commits.append(commit(folder, RATE, "# mended\n", "mended, and faster"))
    return folder, commits


@pytest.fixture(scope="module")
def own_code(tmp_path_factory):
    """This code, a comment, and a changed schedule."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("neuromf", "spec", "golden"):
        copy_writable(ROOT / name, folder / name)
    schedule = "neuromf/training/step/schedule.py"
    commits = [begun(folder), commit(folder, schedule, "# a comment\n", "comment")]
    moved = "\n_multiplier = lr_multiplier\n\n\ndef lr_multiplier(*a):\n    return 1.01 * _multiplier(*a)\n"
    commits.append(commit(folder, schedule, moved, "a faster schedule"))
    return folder, commits


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The case of three steps: a dozen processes train it, and the rate differs from the first step on."""
    return short_case(CASE, tmp_path_factory.mktemp("cases"), 3)


@pytest.fixture
def bisect(monkeypatch, capsys, case):
    """Run `python -m tools bisect-commits` in a repository."""

    def command(folder, span):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("neuromf.golden.case.read_case", lambda _: case)
        return run_command(monkeypatch, capsys, "bisect-commits", span, "--case", CASE, app=app)

    return command


def test_the_commit_that_moved_the_numbers_is_named(bisect, repository):
    """Its hash and subject; the checkout is untouched and the worktree is gone."""
    folder, commits = repository
    ended = bisect(folder, f"{commits[0]}..{commits[3]}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == f"{commits[2]} a faster schedule"
    assert git(folder, "rev-parse", "HEAD") == commits[-1]
    assert len(git(folder, "worktree", "list").splitlines()) == 1


def test_a_commit_that_moved_what_this_code_trains_is_named(bisect, own_code):
    """Each commit's own code runs, or no numbers would differ; a comment does not move them."""
    folder, commits = own_code
    ended = bisect(folder, f"{commits[0]}..{commits[2]}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == f"{commits[2]} a faster schedule"


def test_a_commit_that_does_not_run_is_skipped_and_may_hide_the_culprit(bisect, repository):
    """Exit code 3, and git's own words for the commits it could be."""
    folder, commits = repository
    ended = bisect(folder, f"{commits[3]}..{commits[5]}")
    assert ended.returncode == 3, ended.stderr
    assert "could be any of" in ended.stdout
    assert commits[4] in ended.stdout
    assert commits[5] in ended.stdout


def test_commits_with_the_same_numbers_are_refused(bisect, repository):
    """A comment moves nothing."""
    ended = bisect(repository[0], f"{repository[1][0]}..{repository[1][1]}")
    assert ended.returncode == 2
    assert "gives the good commit's numbers" in ended.stderr


def test_a_bad_commit_that_does_not_run_is_refused(bisect, repository):
    """It has no numbers to be told by."""
    ended = bisect(repository[0], f"{repository[1][3]}..{repository[1][4]}")
    assert ended.returncode == 2
    assert "the bad commit does not run the case; give one that does" in ended.stderr


def test_an_unknown_commit_is_refused(bisect, repository):
    """One sentence of the remedy, no traceback."""
    ended = bisect(repository[0], f"{'0' * 40}..{repository[1][3]}")
    assert ended.returncode == 2
    assert "two commits of this clone" in ended.stderr
