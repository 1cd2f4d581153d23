"""Each adapter judged in a process of its own, and the verdicts kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neuromf.json_text import json_text
from neuromf.output import write_output
from tools.foreign.checkout import checkout, commit_of
from tools.foreign.codes import ADAPTERS, Code

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "golden" / "conformance" / "verdicts.json"
LAW = ("law_id", "fact", "status", "value", "bound", "detail", "repair")
Verdicts = dict[str, dict[str, Any]]
"""`adapter.py:Class` -> its verdict."""


def kept_verdicts(file: Path = KEPT) -> Verdicts:
    """Those of former runs."""
    return dict(json.loads(file.read_text(encoding="utf-8"))["verdicts"]) if file.is_file() else {}


def keep(verdicts: Mapping[str, Any], file: Path = KEPT) -> None:
    """Write all verdicts."""
    write_output(file, json_text({"schema": 1, "verdicts": dict(sorted(verdicts.items()))}) + "\n")


def judge_code(code: Code, python: str) -> Verdicts:
    """Judge a code by each of its adapters.

    Args:
        code: with a checkout.
        python: an interpreter that has its library.
    """
    commit = commit_of(checkout(code.repository))
    found: Verdicts = {}
    for name in code.names():
        verdict = _judge(str(ADAPTERS / name), python)
        found[name] = {
            "repository": code.repository,
            "commit": commit,
            "date": datetime.now(UTC).date().isoformat(),
            "library": code.library,
            "name": verdict["code"],
            "neuromf": verdict["neuromf"],
            "seconds": round(verdict["seconds"], 1),
            "laws": [{field: law[field] for field in LAW} for law in verdict["laws"]],
        }
    return found


def _judge(target: str, python: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "verdict.json"
        command = [python, "-m", "neuromf", "conform", target, "--json", str(file)]
        path = os.pathsep.join([str(ROOT), str(ROOT / "spec")])
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        if not file.is_file():
            sys.exit(f"{target} was not judged: {(done.stderr or done.stdout).strip()}")
        return dict(json.loads(file.read_text(encoding="utf-8")))
