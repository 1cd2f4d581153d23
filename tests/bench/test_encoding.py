"""Encoding at the size of a real scan: what the network alone takes, and what the job takes with a worker beside it.

`nox -s bench -- --store` writes what was measured to `golden/bench/encoding.json`. The wall clock says something on a
quiet machine alone; processor time does on any: with all cores busy, the share of it that is the network's is the share
of the network's own speed that is left.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest
import torch

from neuromf.data.cohort import Scan, discover_scans
from neuromf.data.demo import build_demo_cohort
from neuromf.data.encode_job import EncodeJob
from neuromf.data.encoded import EncodedScans
from neuromf.data.prepared import encode_prepared, prepare
from neuromf.data.preprocess import Preprocessing
from neuromf.nets.vae import load_vae
from tests.support.stored_report import show_report

STORED = Path(__file__).parents[2] / "golden" / "bench" / "encoding.json"
SETTINGS = Preprocessing(spacing_mm=1.0, shape=(192, 192, 192), intensity_percentiles=(0.0, 99.5))
SCANS = int(os.environ.get("NEUROMF_BENCH_SCANS", "12"))
LEAST_SHARE = 0.9
QUIET = 0.5
"""Processes that wait for a core, on the average of a minute, up to which the wall clock is believed."""


def processor_s() -> float:
    """Processor seconds of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def taken(action) -> dict[str, float]:
    """Wall and processor seconds of an action."""
    wall, processor = time.monotonic(), processor_s()
    action()
    return {"wall_s": time.monotonic() - wall, "processor_s": processor_s() - processor}


def measured_encoding(folder: Path) -> dict[str, float]:
    """Seconds a scan, by part."""
    cohort = discover_scans(build_demo_cohort(folder / "cohort", SCANS, 0))
    codec = load_vae("demo")
    aside = EncodedScans(folder / "aside")
    first = prepare(cohort[0].path, SETTINGS, aside)
    encode_prepared(first, codec)  # what is slow once is done
    count = 3
    prepared = taken(lambda: [prepare(scan.path, SETTINGS, aside) for scan in cohort[:count]])
    network = taken(lambda: [encode_prepared(first, codec) for _ in range(count)])
    job = taken(lambda: encoded_all(cohort, folder, codec))
    return {
        "scans": SCANS,
        "prepare_processor_s": prepared["processor_s"] / count,
        "network_processor_s": network["processor_s"] / count,
        "network_wall_s": network["wall_s"] / count,
        "job_processor_s": job["processor_s"] / SCANS,
        "job_wall_s": job["wall_s"] / SCANS,
    }


def encoded_all(cohort: list[Scan], folder: Path, codec) -> None:
    EncodeJob(cohort, EncodedScans(folder / "kept"), SETTINGS, codec, workers=1).run()


@pytest.mark.bench
def test_encoding_takes_little_more_than_the_network_alone(tmp_path, request):
    """At least 0.9 of its speed: by processor time with all cores busy, and by the clock where the machine is quiet."""
    load = os.getloadavg()[0]
    found = measured_encoding(tmp_path)
    by_processor = found["network_processor_s"] / (found["network_processor_s"] + found["prepare_processor_s"])
    by_clock = found["network_wall_s"] / found["job_wall_s"]
    found |= {"share_by_processor": by_processor, "share_by_clock": by_clock, "load": load}
    report = {name: round(value, 3) for name, value in found.items()} | {"threads": torch.get_num_threads()}
    show_report(request, STORED, report)
    assert by_processor >= LEAST_SHARE
    if load <= QUIET:
        assert by_clock >= LEAST_SHARE
