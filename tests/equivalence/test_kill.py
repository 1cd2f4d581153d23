"""Trainings killed at random moments, inside a checkpoint too, end in the bytes of one left alone (law CKPT-001).

Ten kills here; `tests/golden/test_killed_runs.py` has a hundred.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from neuromf_spec.registry import law

ROOT = Path(__file__).parents[2]


@pytest.mark.law("CKPT-001")
def test_killed_runs_end_in_the_bytes_of_an_undisturbed_one(tmp_path):
    """Weights, average, moments, trace and summary after each of ten kills and resumes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.kill_study", "10", "1", str(tmp_path / "report.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())

    judged = law("CKPT-001").predicate(differing=report["differing"])
    assert judged.passed, judged
    inside = sum(count for place, count in report["where"].items() if place.endswith("inside a checkpoint"))
    assert inside >= 2
