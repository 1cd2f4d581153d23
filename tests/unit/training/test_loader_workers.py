"""Worker processes that hang, or die in an awkward moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from types import SimpleNamespace

import pytest
from torch.utils.data import DataLoader, Dataset

from neuromf.errors import InputError
from neuromf.training.batches import loader_workers
from neuromf.training.batches.loader_workers import drawn_ahead


class Stuck(Dataset):
    """The first items of both workers come at once, the others never; SIGTERM is not heard."""

    def __getitem__(self, index):
        if index >= 2:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        return index

    def __len__(self):
        return 100


def test_workers_that_are_stuck_are_killed_soon(monkeypatch):
    """Torch waits five seconds for each of them, and its words about the killed do not hide the error."""
    monkeypatch.setattr(loader_workers, "PATIENCE_S", 0.2)
    loader = DataLoader(Stuck(), batch_size=None, num_workers=2)

    def fail(loader):
        with drawn_ahead(loader) as batches:
            next(batches)
            raise RuntimeError("of the step")

    began, before = time.monotonic(), set(multiprocessing.active_children())
    with pytest.raises(RuntimeError, match="of the step"):
        fail(loader)
    assert time.monotonic() - began < 4
    assert set(multiprocessing.active_children()) <= before


def die_later():
    time.sleep(0.3)
    os._exit(3)


def broken_connection():
    raise EOFError
    yield


def test_a_worker_that_dies_after_its_connection_broke_is_told():
    """The error of the connection comes first; the sentence says how the process ended."""
    worker = multiprocessing.get_context("fork").Process(target=die_later)
    worker.start()
    with pytest.raises(InputError, match="ended with code 3"):
        next(loader_workers._watched(broken_connection(), [worker]))


def test_an_error_of_the_data_is_not_taken_for_a_death(monkeypatch):
    """While all workers live, what reading raised is raised."""
    monkeypatch.setattr(loader_workers, "DYING_S", 0.1)
    worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    worker.start()
    with pytest.raises(EOFError):
        next(loader_workers._watched(broken_connection(), [worker]))
    worker.kill()
    worker.join()


def test_every_worker_that_ended_is_told_with_how_and_no_other():
    """Of four workers the two that ended are named; where none has, the sentence says that it cannot be told."""
    ended = {11: 3, 12: None, 13: -signal.SIGKILL, 14: None}
    workers = [SimpleNamespace(pid=p, exitcode=code, is_alive=lambda c=code: c is None) for p, code in ended.items()]
    assert (
        "died (process 11 ended with code 3, process 13 was killed by SIGKILL)"
        in loader_workers._death(workers).problem
    )
    assert "died (it cannot be told how)" in loader_workers._death([workers[1]]).problem
