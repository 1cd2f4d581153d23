"""Scans prepared ahead, in processes of their own, while the autoencoder is at another."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import torch

from neuromf.data.encoded import EncodedScans
from neuromf.data.prepared import Prepared, prepare, prepare_apart
from neuromf.data.preprocess import Preprocessing
from neuromf.errors import InputError
from neuromf.processes import worker_pool

WORTH_WORKERS = 16
"""Scans from which workers are started: each takes as long to import what it needs as some ten scans to prepare."""
MOST_WORKERS = 8
"""Workers that are started unasked: each holds a scan or two, and a GPU is busy with fewer."""
Submit = Callable[[Path], Callable[[], Prepared]]
"""Begins to prepare a scan; gives what waits for it."""


def chosen_workers(missing: int, device: torch.device) -> int:
    """Processes that prepare scans ahead: one beside an autoencoder on the CPU, which uses all cores itself."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if missing < WORTH_WORKERS or cores < 2:
        return 0
    return 1 if device.type == "cpu" else min(cores - 1, MOST_WORKERS)


@contextmanager
def preparing(settings: Preprocessing, kept: EncodedScans, workers: int) -> Iterator[Submit]:
    """A function that begins to prepare a scan in a worker; without any it is prepared here, when it is asked for."""
    if not workers:
        yield lambda path: lambda: prepare(path, settings, kept)
        return
    with worker_pool(workers, begin_worker) as pool:

        def submit(path: Path) -> Callable[[], Prepared]:
            future = pool.submit(prepare_apart, path, settings, kept.folder, kept.hashes.folder)
            return lambda: _result(future, path)

        yield submit


def begin_worker() -> None:
    """One thread, for there are several such processes; Ctrl-C is for the one that started them, which ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def _result(future: Future[Prepared], path: Path) -> Prepared:
    try:
        return future.result()
    except BrokenProcessPool as error:
        problem = "a process that prepares scans was killed, at this scan or at one of the next"
        remedy = "see whether memory ran out, then run it again, with --workers 0 if it happens again"
        raise InputError(problem, remedy=remedy, file=path, key="--workers") from error
