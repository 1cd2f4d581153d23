"""One step of `git bisect run`: `python -P -m tools.bisect_commits.commit_probe CASE CASES TRACE` in its worktree.

The commit's code trains the case; this code compares. The first call, on the good commit, keeps its trace.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from neuromf.checkout import python_path
from tools.golden.other_commit import SCRIPT

HEALTHY, BROKEN, UNTESTABLE = 0, 1, 125
"""Exit codes that `git bisect run` knows."""


def main(case: str, cases: Path, kept: Path) -> int:
    """Run the case with the code in the working directory and compare it with the trace at `kept`."""
    from neuromf.comparison.comparator import ComparisonVerdict, compare
    from neuromf.comparison.table import read_table
    from neuromf.golden.case import read_case
    from neuromf.golden.store import tolerance_frame
    from neuromf.golden.tolerances import tolerances_from

    with tempfile.TemporaryDirectory() as scratch:
        trace = Path(scratch) / "trace.csv"
        environment = {**os.environ, "PYTHONPATH": python_path(Path.cwd())}
        command = [sys.executable, "-c", SCRIPT, case, str(cases), str(trace)]
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            return UNTESTABLE
        if not kept.is_file():
            kept.write_bytes(trace.read_bytes())
            return HEALTHY
        tolerances = tolerances_from(tolerance_frame(read_case(case, cases)))
        comparison = compare(read_table(trace), read_table(kept), tolerances)
    return HEALTHY if comparison.verdict is ComparisonVerdict.PASS else BROKEN


def judge(case: str, cases: Path, kept: Path) -> int:
    """What `git bisect run` is told: a failure of this code says nothing of the commit."""
    try:
        return main(case, cases, kept)
    except Exception:
        # Python would end with 1, which git takes for a broken commit.
        traceback.print_exc()
        return UNTESTABLE


if __name__ == "__main__":
    sys.exit(judge(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
