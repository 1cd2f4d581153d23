"""Scans prepared ahead, in processes of their own, while the autoencoder is at another."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
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
    with ExitStack() as stack:
        yield _Workers(stack, workers, partial(prepare_apart, settings=settings, folder=kept.folder,
                                               hashes=kept.hashes.folder)).submit  # fmt: skip


class _Workers:
    """A pool that goes on when one of its processes is killed, as by a machine whose memory runs out.

    The system does not say at which scan that was. Each scan of which no result came is therefore tried again in a
    process of its own: only one that is killed alone counts as one that cannot be used.
    """

    def __init__(self, stack: ExitStack, count: int, task: Callable[[Path], Prepared]) -> None:
        self._stack, self._count, self._task = stack, count, task
        self._pool = self._begin()

    def _begin(self) -> ProcessPoolExecutor:
        return self._stack.enter_context(worker_pool(self._count, begin_worker))

    def submit(self, path: Path) -> Callable[[], Prepared]:
        try:
            future = self._pool.submit(self._task, path)
        except BrokenProcessPool:
            self._pool = self._begin()
            future = self._pool.submit(self._task, path)
        return partial(self._result, future, path)

    def _result(self, future: Future[Prepared], path: Path) -> Prepared:
        try:
            return future.result()
        except BrokenProcessPool:
            return self._alone(path)

    def _alone(self, path: Path) -> Prepared:
        with worker_pool(1, begin_worker) as pool:
            try:
                return pool.submit(self._task, path).result()
            except BrokenProcessPool:
                problem = "each process that was to prepare this scan was killed"
                remedy = "see whether memory ran out: give it more, or leave out this scan"
                return Prepared(path, failure=InputError(problem, remedy=remedy, file=path))


def begin_worker() -> None:
    """One thread, for there are several such processes; Ctrl-C is for the one that started them, which ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
