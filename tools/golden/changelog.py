"""A golden may not change in silence: its last line in `golden/CHANGELOG.md` names the trace that is there.

Standard library only, so that it runs in the lint session: `python tools/golden/changelog.py`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

GOLDEN = Path(__file__).parents[2] / "golden"


def changelog_problems(golden: Path) -> list[str]:
    """Traces without a line of their own, and files that their provenance does not know."""
    lines = (golden / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    problems = []
    for contract in sorted((golden / "cases").glob("*/case.toml")):
        folder = contract.parent
        traces = sorted(folder.glob("trace.*.csv"))
        if not traces:
            problems.append(f"{folder.name}: has no golden trace; make one with `neuromf golden bless`")
        for trace in traces:
            digest = hashlib.sha256(trace.read_bytes()).hexdigest()
            mine = [line for line in lines if f"`{folder.name}`" in line]
            if not mine or digest[:12] not in mine[-1]:
                problems.append(f"{folder.name}: {trace.name} ({digest[:12]}) changed without a line in CHANGELOG.md")
            recorded = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["trace_sha256"]
            if recorded != digest:
                problems.append(f"{folder.name}: {trace.name} is not the trace that was blessed")
    return problems


if __name__ == "__main__":
    found = changelog_problems(GOLDEN)
    print("\n".join(found) or "every golden has its line")
    sys.exit(1 if found else 0)
