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
    """Goldens without a line of their own, and traces that their provenance does not know."""
    lines = (golden / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    problems = []
    for contract in sorted((golden / "cases").glob("*/case.toml")):
        problems += _case_problems(contract.parent, lines)
    for folder in sorted(path.parent for path in (golden / "recipes").glob("*/config.txt")):
        kept = (folder / "config.txt").read_bytes() + (folder / "params.txt").read_bytes()
        problems += _silent(f"recipes/{folder.name}", hashlib.sha256(kept).hexdigest(), lines)
    return problems


def _case_problems(folder: Path, lines: list[str]) -> list[str]:
    traces = sorted(folder.glob("trace.*.csv"))
    if not traces:
        return [f"{folder.name}: has no golden trace; make one with `python -m tools golden bless`"]
    problems = []
    for trace in traces:
        digest = hashlib.sha256(trace.read_bytes()).hexdigest()
        problems += _silent(folder.name, digest, lines)
        recorded = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["trace_sha256"]
        if recorded != digest:
            problems.append(f"{folder.name}: {trace.name} is not the trace that was blessed")
    return problems


def _silent(name: str, digest: str, lines: list[str]) -> list[str]:
    """A problem when the last line about `name` does not give `digest`."""
    mine = [line for line in lines if f"`{name}`" in line]
    found = bool(mine) and digest[:12] in mine[-1]
    return [] if found else [f"{name}: its golden ({digest[:12]}) changed without a line in CHANGELOG.md"]


if __name__ == "__main__":
    found = changelog_problems(GOLDEN)
    print("\n".join(found) or "every golden has its line")
    sys.exit(1 if found else 0)
