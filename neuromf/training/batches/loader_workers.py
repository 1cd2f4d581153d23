"""The worker processes of a torch DataLoader: gone when they are not needed any more, their deaths told."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

from torch.utils.data import DataLoader

from neuromf.errors import InputError
from neuromf.processes import gone_afterwards, how_it_ended

T = TypeVar("T")
TORCH_SAYS = "DataLoader worker (pid"
"""How torch begins to say that a worker died."""
PATIENCE_S = 3.0
"""Until workers that were asked to end are killed: a micro-batch of the largest recipe is drawn in a tenth of it."""
DYING_S = 1.0
"""How long after its connection broke a worker may take to be gone."""


@contextmanager
def drawn_ahead(loader: DataLoader[T]) -> Iterator[Iterator[T]]:
    """What the loader's workers draw; they are gone after the block, however it ends.

    Left to itself, the iterator ends its workers when nothing refers to it any more, but the traceback of an error
    does; the interpreter then waits for workers that have no reason to end.

    Raises:
        InputError: a worker died.
    """
    before = set(multiprocessing.active_children())
    with gone_afterwards():
        batches = iter(loader)
        workers = [process for process in multiprocessing.active_children() if process not in before]
        try:
            yield _watched(batches, workers)
        except RuntimeError as error:
            if str(error).startswith(TORCH_SAYS):  # torch raises it wherever the trainer is when a worker dies
                raise _death(workers) from error
            raise
        finally:
            _end(getattr(batches, "_shutdown_workers"), workers)  # noqa: B009 torch has no public name for it


def _end(ask: Callable[[], None], workers: Sequence[BaseProcess]) -> None:
    """Ask workers to end, and kill those that do not in a while: torch waits five seconds for each, one after another.

    Args:
        ask: torch's own way, which waits for them.
        workers: the processes.
    """

    def kill() -> None:
        for worker in workers:
            worker.kill()

    timer = threading.Timer(PATIENCE_S, kill)
    timer.daemon = True
    timer.start()
    try:
        ask()
    except RuntimeError as error:
        if not str(error).startswith(TORCH_SAYS):  # torch tells the death of one that was killed here
            raise
    finally:
        timer.cancel()


def _watched(batches: Iterator[T], workers: Sequence[BaseProcess]) -> Iterator[T]:
    """The same; an error in receiving what a dead worker sent is its death."""
    while True:
        try:
            parts = next(batches)
        except StopIteration:
            return
        except (RuntimeError, OSError, EOFError) as error:
            # A connection may break before the process behind it is gone.
            ending = connection.wait([worker.sentinel for worker in workers], timeout=DYING_S)
            if not ending:
                raise
            for worker in workers:
                if worker.sentinel in ending:
                    worker.join(DYING_S)
            raise _death(workers) from error
        yield parts


def _death(workers: Sequence[BaseProcess]) -> InputError:
    ends = [f"process {worker.pid} {how_it_ended(worker.exitcode)}" for worker in workers if not worker.is_alive()]
    problem = f"a worker that draws batches died ({', '.join(ends) or 'it cannot be told how'})"
    remedy = "see whether memory or /dev/shm ran out, then go on with --resume, with --workers 0 if it happens again"
    return InputError(problem, remedy=remedy, key="--workers")
