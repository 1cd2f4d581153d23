"""A cohort of 100,000 subjects: how long until its training has made a step, and in how much memory.

`nox -s bench -- --store` writes what was measured to `golden/bench/large_cohort.json`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.large_store import large_overrides, write_large_store
from tests.support.stored_report import show_report
from tests.support.tiny_run import allow_blocked
from tests.support.watched_process import watch

ROOT = Path(__file__).parents[2]
STORED = ROOT / "golden" / "bench" / "large_cohort.json"
SUBJECTS = 100_000
SECONDS, MEBIBYTES = 10.0, 1024.0
"""Bars: the whole process, from its start to its end after one optimiser step, and its largest resident size."""


def started(cache: Path, out: Path, overrides: tuple[str, ...] = large_overrides(SUBJECTS)) -> dict[str, float]:
    """Wall and processor seconds and largest resident size of `neuromf train --max-steps 1`."""
    settings = allow_blocked(*overrides)
    train = ["train", "smoke", "--out", str(out), "--device", "cpu", "--max-steps", "1", *settings]
    taken = watch(train, ROOT, {"NEUROMF_CACHE": str(cache)}, quiet=False)
    assert taken.code == 0
    return {
        "wall_s": round(taken.wall_s, 2),
        "processor_s": round(taken.processor_s, 2),
        "resident_mib": round(taken.resident_mib, 1),
    }


@pytest.mark.bench
def test_a_training_on_100000_subjects_starts(tmp_path, request):
    """Opening the store, building the net and one optimiser step take at most 10 s and 1 GiB."""
    write_large_store(tmp_path / "cache", SUBJECTS)
    runs = [started(tmp_path / "cache", tmp_path / f"run{index}") for index in range(2)]
    best = min(runs, key=lambda run: run["processor_s"])
    report = {"subjects": SUBJECTS, "bar_s": SECONDS, "bar_mib": MEBIBYTES, "runs": runs, "load": os.getloadavg()[0]}
    show_report(request, STORED, report)
    assert best["resident_mib"] <= MEBIBYTES
    # One thread does all of it: processor time is what it takes with a core of its own, whatever else the machine does.
    assert best["processor_s"] <= SECONDS, runs
