"""Processes started by this one, none of which outlives what it was started for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def gone_afterwards() -> Iterator[None]:
    """Processes that `multiprocessing` starts in the block are gone after it, however it ends.

    SIGKILL, which no process can leave unheard: the interpreter would otherwise wait at its end for one that does.
    """
    before = set(multiprocessing.active_children())
    try:
        yield
    finally:
        started = set(multiprocessing.active_children()) - before
        for process in started:
            process.kill()
        for process in started:
            process.join()


@contextmanager
def worker_pool(processes: int, begin: Callable[[], None] | None = None) -> Iterator[ProcessPoolExecutor]:
    """Workers started afresh, for torch's threads do not survive a fork.

    An error in the block, or in a task whose result it asks for, ends it at once: tasks that wait are dropped and those
    that run are killed, where `ProcessPoolExecutor` alone would do all of them first.

    Args:
        processes: number of workers.
        begin: what each does first.
    """
    context = multiprocessing.get_context("spawn")
    with gone_afterwards():
        pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(begin,))
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()


def _begin(more: Callable[[], None] | None) -> None:
    end_with_parent()
    if more is not None:
        more()


def end_with_parent() -> None:
    """End this process, at once and whatever it does, when the one that started it is no more, for it cannot say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent,), daemon=True, name="parent").start()


def _outlive(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def how_it_ended(exit_code: int | None) -> str:
    """Words for the end of a process, from what `multiprocessing` and `subprocess` say of it."""
    if exit_code is None:
        return "has not ended"
    if exit_code >= 0:
        return f"ended with code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
