"""Which commit moved the numbers of a golden case: `git bisect run` in a worktree, judged by the golden comparator.

Every commit is run here and now and compared with the good commit's own run, within the tolerances that the case has
measured, so that a difference is never the environment's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from neuromf.checkout import python_path
from neuromf.errors import InputError
from neuromf.golden.case import GoldenCase
from tools.bisect_commits.commit_probe import BROKEN, HEALTHY, UNTESTABLE


@dataclass(frozen=True)
class Culprit:
    """The first commit whose numbers differ.

    Attributes:
        commit: its full name; empty when skipped commits hide it.
        subject: its first line.
        log: what git said.
    """

    commit: str
    subject: str
    log: str


def bisect_commits(repository: Path, good: str, bad: str, case: GoldenCase) -> Culprit:
    """Find the first commit after `good` at which `case` gives other numbers.

    Args:
        repository: a clone that has both commits; its own checkout is not touched.
        good: a commit, tag or branch.
        bad: one that has `good` in its history.
        case: what is run; its contract and tolerances are those of this code.

    Raises:
        InputError: an unknown commit, or two whose numbers do not tell them apart.
    """
    ends = [_git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in (good, bad)]
    with tempfile.TemporaryDirectory() as scratch:
        tree, trace = Path(scratch) / "tree", Path(scratch) / "good.csv"
        _git(repository, "worktree", "add", "--detach", str(tree), ends[0])
        try:
            return _search(tree, ends, [case.name, str(case.folder.parent.resolve()), str(trace)])
        finally:
            _git(repository, "worktree", "remove", "--force", str(tree))


def _search(tree: Path, ends: list[str], arguments: list[str]) -> Culprit:
    probe = [sys.executable, "-P", "-m", "tools.bisect_commits.commit_probe", *arguments]
    if _run(probe, tree).returncode != HEALTHY:  # the first call leaves the good commit's trace
        raise InputError("the good commit does not run the case", remedy="give a later one", key="--commits")
    _git(tree, "checkout", "--quiet", "--detach", ends[1])
    code = _run(probe, tree).returncode
    if code == UNTESTABLE:
        raise InputError("the bad commit does not run the case", remedy="give one that does", key="--commits")
    if code != BROKEN:
        problem = "the bad commit gives the good commit's numbers"
        raise InputError(problem, remedy="give two whose numbers differ", key="--commits")
    _git(tree, "bisect", "start", ends[1], ends[0])
    done = _run(["git", "bisect", "run", *probe], tree)
    if done.returncode:
        return Culprit("", "", done.stdout + done.stderr)
    commit = _git(tree, "rev-parse", "refs/bisect/bad")
    return Culprit(commit, _git(tree, "log", "-1", "--format=%s", commit), done.stdout)


def _run(command: list[str], tree: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"`git {' '.join(arguments[:3])}` failed"])[-1]
        raise InputError(last, remedy="give GOOD..BAD, two commits of this clone", key="--commits")
    return done.stdout.strip()
