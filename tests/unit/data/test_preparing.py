"""Workers that prepare scans: one that is killed costs at most the scan that killed it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from neuromf import processes
from neuromf.data import preparing
from neuromf.data.encode_job import EncodeJob
from neuromf.data.encoded import EncodedScans
from neuromf.data.prepared import prepare_apart
from neuromf.data.scan import Scan
from tests.support.bad_scans import write_good
from tests.support.encoded_cohort import SETTINGS, small_codec
from tests.support.fork_server import forks


def prepare_or_die(path: Path, **more):
    """A worker as the kernel ends one whose memory runs out: always at a scan beside `kills`, once beside `kills1`."""
    marks = [path.parent / name for name in ("kills", "kills1") if (path.parent / name).exists()]
    for mark in marks:
        if mark.name == "kills1":
            mark.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return prepare_apart(path, **more)


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A function that encodes six scans with a worker, of which some kill it; each of its workers starts at once."""
    context = forks()
    monkeypatch.setattr(processes.multiprocessing, "get_context", lambda _: context)
    monkeypatch.setattr(preparing, "prepare_apart", prepare_or_die)
    scans = [Scan(path.parent.name, path.parent.name, path) for path in write_good(tmp_path / "scans", 6)]

    def run(kills, *, most=1):
        for index, name in kills.items():
            (scans[index].path.parent / name).touch()
        made = EncodeJob(scans, EncodedScans(tmp_path / "kept"), SETTINGS, small_codec(), workers=1, most=most)
        return made.run(), made.encoded

    return run


def test_a_killed_worker_costs_at_most_the_scan_that_kills_each(job):
    """One that is killed once is encoded, as are the neighbours in the pool; one that kills each is named."""
    aside, encoded = job({1: "kills1", 4: "kills"}, most=1)
    assert [(one.scan.scan_id, one.failure.problem) for one in aside] == [
        ("sub-0005", "each process that was to prepare this scan was killed")
    ]
    assert encoded == 5
