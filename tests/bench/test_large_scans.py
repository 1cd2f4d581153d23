"""A cohort of 100,000 scans of a user's own, encoded before: how long until its training has made a step.

`nox -s bench -- --store` writes what was measured to `golden/bench/large_scans.json`. NEUROMF_BENCH_COHORT is a folder
in which the cohort, minutes of writing small files, is kept for the next time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench.test_large_cohort import MEBIBYTES, ROOT, SECONDS, started
from tests.support.large_scans import encode_by_hand, own_overrides, write_large_cohort
from tests.support.stored_report import show_report

STORED = ROOT / "golden" / "bench" / "large_scans.json"
SCANS = 100_000


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """The folder of the cohort and of its cache."""
    folder = Path(os.environ.get("NEUROMF_BENCH_COHORT") or tmp_path)
    monkeypatch.setenv("NEUROMF_CACHE", str(folder / "cache"))
    if not (folder / "cohort.csv").is_file():
        write_large_cohort(folder, SCANS)
        encode_by_hand(folder, SCANS, "table")
    return folder


@pytest.mark.bench
def test_a_training_on_a_table_of_100000_scans_starts(cohort, tmp_path, request):
    """Reading the table, finding every latent and one optimiser step take at most 10 s of a core and 1 GiB."""
    overrides = own_overrides(cohort, "table")
    runs = [started(cohort / "cache", tmp_path / f"run{index}", overrides) for index in range(3)]
    best = min(runs, key=lambda run: run["processor_s"])
    report = {
        "scans": SCANS, "bar_s": SECONDS, "bar_mib": MEBIBYTES, "runs": runs, "load": os.getloadavg()[0],
    }  # fmt: skip
    show_report(request, STORED, report)
    assert best["resident_mib"] <= MEBIBYTES, runs
    assert best["processor_s"] <= SECONDS, runs
