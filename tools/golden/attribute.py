"""Whose fault a difference is: the golden's own commit, run again in today's environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from neuromf.checkout import python_path
from neuromf.comparison.comparator import ComparisonVerdict, compare
from neuromf.comparison.message import where_different
from neuromf.comparison.table import TraceTable, read_table
from neuromf.errors import InputError
from neuromf.golden.case import GoldenCase
from neuromf.golden.runner import run_steps, threads
from neuromf.golden.store import golden_table, provenance, tolerance_frame
from neuromf.golden.tolerances import tolerances_from
from neuromf.golden.verdict import CaseOutcome
from tools.golden.bless import ROOT
from tools.golden.other_commit import SCRIPT


def attribute(case: GoldenCase) -> tuple[CaseOutcome, str]:
    """Tell drift of the code from drift of the environment.

    Returns:
        PASS when today's run agrees with the golden; ENV-DRIFT when it agrees with the golden's commit run today;
        else REGRESSED; and a sentence.

    Raises:
        InputError: the golden's commit is not in this clone, or does not run.
    """
    tolerances = tolerances_from(tolerance_frame(case))
    golden, commit = golden_table(case), str(provenance(case)["commit"])
    with threads(1):
        now = run_steps(case.config, case.contract.steps).table
    if compare(now, golden, tolerances).verdict is ComparisonVerdict.PASS:
        return CaseOutcome.PASS, "today's code and environment give the golden numbers"
    then = _run_at(commit, case)
    against = compare(now, then, tolerances)
    if against.verdict is ComparisonVerdict.PASS:
        return (
            CaseOutcome.ENV_DRIFT,
            f"commit {commit[:12]} gives today's numbers too: the environment moved, not the code",
        )
    return CaseOutcome.REGRESSED, f"commit {commit[:12]}, run today, against today's code: {where_different(against)}"


def _run_at(commit: str, case: GoldenCase) -> TraceTable:
    """The case as the code of `commit` runs it here and now."""
    with tempfile.TemporaryDirectory() as scratch:
        tree, trace = Path(scratch) / "tree", Path(scratch) / "trace.csv"
        _call(["git", "worktree", "add", "--detach", str(tree), commit], ROOT)
        try:
            environment = {**os.environ, "PYTHONPATH": python_path(tree)}
            arguments = [sys.executable, "-c", SCRIPT, case.name, str(case.folder.parent), str(trace)]
            _call(arguments, tree, environment)
            return read_table(trace)
        finally:
            _call(["git", "worktree", "remove", "--force", str(tree)], ROOT)


def _call(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        problem = f"`{' '.join(command[:4])}` failed ({last})"
        raise InputError(problem, remedy="fetch the golden's commit, or bless the case anew")
