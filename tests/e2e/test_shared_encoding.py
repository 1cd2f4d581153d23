"""Several processes encode one cohort: each scan once, whatever is killed, to the bytes of one undisturbed process."""

from __future__ import annotations

import hashlib
import multiprocessing
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
from tests.support.command_line import run_command
from tests.support.encoded_cohort import encode, encoded_here
from tests.support.forked_command import ForkedCommand
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[2]
SCANS, KILLS = 80, 3
SHARE = 2 / SCANS
"""Of scans that may be set aside."""
FORKS = multiprocessing.get_context("fork")
"""A process that starts at once, so that it joins while the others still have scans to encode."""


@pytest.fixture
def cohort(tmp_path):
    """78 good scans, one cut short and one without a number in it."""
    paths = write_good(tmp_path / "scans", SCANS)
    paths[20].write_bytes(paths[20].read_bytes()[:-4000])
    write_volume(paths[50], np.full_like(head(0), np.nan), AFFINE)
    return tmp_path / "scans"


def encode_and_tell(cohort, workers, ends):
    """Encode in this process, and send the store's path."""
    ends.send(str(encode(cohort, workers=workers, share=SHARE)))


@pytest.fixture
def start(tmp_path, cohort, monkeypatch):
    """Starts a process that encodes the cohort in the shared cache, and what it sends; all are gone after the test."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "shared"))
    started = []

    def begin(workers):
        told, ends = FORKS.Pipe(duplex=False)
        process = FORKS.Process(target=encode_and_tell, args=(cohort, workers, ends))
        process.start()
        ends.close()
        started.append(process)
        return process, told

    yield begin
    for process in started:
        process.kill()
        process.join()


def wait_for(count, cache, *processes):
    deadline = time.monotonic() + 240
    while len(encoded_here(cache)) < count:
        assert time.monotonic() < deadline
        assert all(process.is_alive() for process in processes), [process.exitcode for process in processes]
        time.sleep(0.02)


def contents(store):
    """Bytes of every file of a store by name, but for the tables with paths, which are alike here."""
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


def test_two_processes_that_are_killed_encode_no_scan_twice(tmp_path, start, cohort, monkeypatch):
    """Killed with -9 three times, they end with 78 latents, two named scans, and the bytes of a process alone."""
    shared = tmp_path / "shared"
    running = [start(0), start(0)]
    for turn in range(KILLS):
        wait_for(16 * (turn + 1), shared, *(process for process, _ in running))
        place = turn % 2
        victim = running[place][0]
        victim.kill()
        victim.join()
        assert victim.exitcode == -signal.SIGKILL, "it was still at work"
        running[place] = start(place)
    stores = [told.recv() for _, told in running]
    for process, _ in running:
        process.join(300)
    assert [process.exitcode for process, _ in running] == [0, 0]
    assert stores[0] == stores[1], "both give the same store"
    store = Path(stores[0])
    times = Counter(encoded_here(shared))
    assert max(times.values()) == 1, "none was encoded twice"
    assert SCANS - 2 - KILLS <= len(times) <= SCANS - 2, "a kill may fall between the latent and the line about it"
    assert len(list((store / "scans").iterdir())) == SCANS - 2
    aside = pandas.read_csv(store / "quarantine.csv")
    assert list(aside["scan_id"]) == ["sub-0021_T1w", "sub-0051_T1w"]
    assert "truncated or damaged" in aside["problem"][0]
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "alone"))
    alone = encode(cohort, share=SHARE)
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


def encode_command(root: Path) -> list[str]:
    settings = [*TINY, "data.source=folder", f"data.root={root}", "data.spacing_mm=8.0"]
    return ["encode", "smoke", "--device", "cpu", *(part for one in settings for part in ("--set", one))]


def environment_of(cache: Path, **more: str) -> dict[str, str]:
    own = {"NEUROMF_CACHE": str(cache), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return {**os.environ, **own, **more}


@pytest.fixture
def alone(tmp_path, monkeypatch, capsys):
    """Twelve scans, the command that encodes them, and the files of the store that one process makes of them."""
    write_good(tmp_path / "scans", 12)
    command = encode_command(tmp_path / "scans")
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "alone"))
    ended = run_command(monkeypatch, capsys, *command)
    assert ended.returncode == 0, ended.stderr
    (store,) = (tmp_path / "alone").glob("folder-*/latents")
    return command, contents(store)


def check_shared(cache: Path, expected: dict[str, str]) -> None:
    times = Counter(encoded_here(cache))
    assert (len(times), max(times.values())) == (12, 1), "all, and none twice"
    (store,) = cache.glob("folder-*/latents")
    assert contents(store) == expected


def test_encode_under_torchrun_makes_the_store_of_one_process(tmp_path, alone):
    """Two ranks of `neuromf encode` share the scans; rank 0 alone speaks."""
    command, expected = alone
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "neuromf"]
    ended = subprocess.run(
        [*launcher, *command], env=environment_of(tmp_path / "shared"), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("12 latents in ") == 1
    check_shared(tmp_path / "shared", expected)


def test_encode_as_two_array_tasks_makes_the_store_of_one_process(tmp_path, alone):
    """Two processes with the variables of a SLURM array share the scans, and both end when all is done."""
    command, expected = alone
    shared = [
        environment_of(tmp_path / "shared", SLURM_ARRAY_TASK_ID=task, SLURM_ARRAY_TASK_COUNT="2") for task in "01"
    ]
    tasks = [ForkedCommand(command, tmp_path, one, name=one["SLURM_ARRAY_TASK_ID"]) for one in shared]
    ended = [task.communicate(timeout=240) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], ended
    assert all("12 latents in " in printed for printed, _ in ended)
    check_shared(tmp_path / "shared", expected)
