"""Trainings killed at random moments, and what was stored of a hundred others (law CKPT-001).

The stored report is written by `python -m tests.support.kill_study 100 2026 golden/bench/killed_runs.json`.
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
KILLS, STORED = 12, 100
"""Kills of now, drawn by another seed than the stored ones, and of the study whose report is kept."""


def inside(report):
    """Kills that fell while a checkpoint was being written."""
    return sum(count for place, count in report["where"].items() if place.endswith("inside a checkpoint"))


@pytest.mark.law("CKPT-001")
def test_killed_runs_end_in_the_bytes_of_an_undisturbed_one(tmp_path):
    """A dozen kills, a quarter of them or more inside a checkpoint."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.kill_study", str(KILLS), "7"]
    done = subprocess.run(
        [*command, str(tmp_path / "report.json")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    judged = law("CKPT-001").predicate(differing=report["differing"])
    assert judged.passed, judged
    assert inside(report) >= KILLS // 4


def test_the_stored_report_is_of_a_hundred_kills_without_a_difference():
    """What the documentation says of it is what was measured."""
    report = json.loads((ROOT / "golden" / "bench" / "killed_runs.json").read_text())
    assert (report["kills"], sum(report["where"].values()), report["differing"]) == (STORED, STORED, [])
    assert inside(report) >= STORED // 4
