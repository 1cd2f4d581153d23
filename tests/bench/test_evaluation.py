"""What `neuromf evaluate` takes with its defaults at the demo's size: 64 samples in 1 to 50 evaluations, nothing kept.

`nox -s bench -- --store` writes what was measured to `golden/bench/evaluation.json`. The run that is evaluated made one
step: a network costs the same to evaluate whatever it has learnt. The wall clock says something on a quiet machine
alone, so that a busy one is held to the processor time of two cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.test_encoding import QUIET, taken
from tests.support.stored_report import show_report

STORED = Path(__file__).parents[2] / "golden" / "bench" / "evaluation.json"
SECONDS = 120.0
CORES = 2
HEADS = ("data.demo_subjects=160", "data.split_ratios=[0.6,0.2,0.2]")


def command(*arguments: str) -> None:
    """A command of ours, in a process of its own."""
    subprocess.run([sys.executable, "-m", "neuromf", *arguments], check=True, capture_output=True)


@pytest.mark.bench
def test_an_evaluation_takes_at_most_two_minutes_of_two_cores(tmp_path, monkeypatch, request):
    """By the clock where the machine is quiet, by processor time elsewhere."""
    monkeypatch.setenv("NEUROMF_CACHE", os.environ.get("NEUROMF_BENCH_CACHE") or str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", str(CORES))
    sets = [part for override in HEADS for part in ("--set", override)]
    command("train", "smoke", "--out", str(tmp_path / "run"), *sets, "--max-steps", "1")
    load = os.getloadavg()[0]
    # A verdict of an untrained network is no failure of the command: exit code 1 says that a law is broken.
    found = taken(lambda: subprocess.run(
        [sys.executable, "-m", "neuromf", "evaluate", str(tmp_path / "run"), "--json", str(tmp_path / "found.json")],
        capture_output=True, check=False,
    ))  # fmt: skip
    assert json.loads((tmp_path / "found.json").read_text())["count"] == 64
    report = {name: round(value, 1) for name, value in found.items()} | {
        "bar_s": SECONDS, "cores": CORES, "load": round(load, 2),
    }  # fmt: skip
    show_report(request, STORED, report)
    assert (found["wall_s"] if load <= QUIET else found["processor_s"] / CORES) <= SECONDS
