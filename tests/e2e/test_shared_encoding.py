"""Several processes encode one cohort: each scan once, whatever is killed, to the bytes of one undisturbed process."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas
import pytest

from neuromf.data.nifti import write_volume
from tests.support.bad_scans import AFFINE, head, write_good
from tests.support.encoded_cohort import encode, encoded_here
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[2]
SCANS, KILLS = 200, 3


@pytest.fixture
def cohort(tmp_path):
    """198 good scans, one cut short and one without a number in it."""
    paths = write_good(tmp_path / "scans", SCANS)
    paths[50].write_bytes(paths[50].read_bytes()[:-4000])
    write_volume(paths[120], np.full_like(head(0), np.nan), AFFINE)
    return tmp_path / "scans"


@pytest.fixture
def start(tmp_path, cohort):
    """Starts a process that encodes the cohort in the shared cache; all are gone after the test."""
    started = []

    def begin(workers):
        environment = {**os.environ, "NEUROMF_CACHE": str(tmp_path / "shared"), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.encoded_cohort", str(cohort), str(workers)], env=environment,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(count, cache, *processes):
    deadline = time.monotonic() + 240
    while len(encoded_here(cache)) < count:
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in processes), [p.communicate() for p in processes if p.poll()]
        time.sleep(0.02)


def contents(store):
    """Bytes of every file of a store by name, but for the tables with paths, which are alike here."""
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


def test_two_processes_that_are_killed_encode_no_scan_twice(tmp_path, start, cohort, monkeypatch):
    """Killed with -9 three times, they end with 198 latents, two named scans, and the bytes of a process alone."""
    shared = tmp_path / "shared"
    first, second = start(0), start(1)
    for turn in range(KILLS):
        wait_for(40 * (turn + 1), shared, first, second)
        victim = first if turn % 2 == 0 else second
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        if turn % 2 == 0:
            first = start(0)
        else:
            second = start(1)
    ended = [process.communicate(timeout=300) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], ended
    assert len({printed for printed, _ in ended}) == 1, "both give the same store"
    store = Path(ended[0][0].strip())
    times = Counter(encoded_here(shared))
    assert max(times.values()) == 1, "none was encoded twice"
    assert SCANS - 2 - KILLS <= len(times) <= SCANS - 2, "a kill may fall between the latent and the line about it"
    assert len(list((store / "scans").iterdir())) == SCANS - 2
    aside = pandas.read_csv(store / "quarantine.csv")
    assert list(aside["scan_id"]) == ["sub-0051_T1w", "sub-0121_T1w"]
    assert "truncated or damaged" in aside["problem"][0]
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "alone"))
    alone = encode(cohort)
    assert contents(store) == contents(alone)
    assert len(encoded_here(tmp_path / "alone")) == SCANS - 2


def test_all_ranks_of_a_training_encode_its_scans(tmp_path):
    """Started by torchrun, both take scans, none twice, and train on the one store."""
    write_good(tmp_path / "scans", 12)
    environment = {**os.environ, "NEUROMF_CACHE": str(tmp_path / "shared"), "OMP_NUM_THREADS": "1"}
    settings = allow_blocked(
        *TINY, "training.gpus=2", "data.source=folder", f"data.root={tmp_path / 'scans'}", "data.spacing_mm=8.0"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "neuromf"]
    train = ["train", "smoke", "--out", str(tmp_path / "run"), "--device", "cpu", "--max-steps", "1", *settings]
    ended = subprocess.run(
        [*command, *train], env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    times = Counter(encoded_here(tmp_path / "shared"))
    assert (len(times), max(times.values())) == (12, 1)
    assert len(list((tmp_path / "shared").glob("scans/*/log/*.csv"))) == 2, "each rank notes what it encoded"
