"""Writes checkpoints while the training goes on: the step waits for a copy in memory, not for the disk.

At most one is under way. A second waits for the first, so that memory holds one copy and checkpoints appear in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from neuromf.training.checkpoints.checkpoint import Snapshot

HEADER = "step,waited_s,written_s\n"


@dataclass(frozen=True)
class Cost:
    """What a checkpoint cost.

    Attributes:
        step: optimiser steps done.
        waited: seconds that the training stood still: for the checkpoint before, and for the copy.
        written: seconds from there until it was on disk.
    """

    step: int
    waited: float
    written: float

    @property
    def line(self) -> str:
        """As a line of a table."""
        return f"{self.step},{self.waited:.3f},{self.written:.3f}\n"


class BackgroundWriter:
    """Writes one snapshot at a time in a thread of its own.

    Args:
        write: puts a snapshot on disk, or raises.
        tell: called in the training's own thread with what each one cost, once it is on disk.
    """

    def __init__(self, write: Callable[[Snapshot], object], tell: Callable[[Cost], None]) -> None:
        self._write, self._tell = write, tell
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._pending: Future[Cost] | None = None
        self._taken: Snapshot | None = None

    def save(self, take: Callable[[Snapshot | None], Snapshot]) -> None:
        """Wait for the checkpoint before, take a snapshot and begin to write it.

        Args:
            take: takes it, and may write over the memory of the one before that it is given.

        Raises:
            InputError: the checkpoint before could not be written.
        """
        begun = time.monotonic()
        self.settle()
        self._taken = take(self._taken)
        waited = time.monotonic() - begun
        self._pending = self._pool.submit(self._on_disk, self._taken, waited)

    def settle(self) -> None:
        """Wait until nothing is under way.

        Raises:
            InputError: the checkpoint could not be written.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            self._tell(pending.result())

    def check(self) -> None:
        """Say what became of the checkpoint under way if it is over; do not wait for it.

        Raises:
            InputError: it could not be written.
        """
        if self._pending is not None and self._pending.done():
            self.settle()

    def _on_disk(self, snapshot: Snapshot, waited: float) -> Cost:
        begun = time.monotonic()
        self._write(snapshot)
        return Cost(snapshot.step, waited, time.monotonic() - begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Who ends by an error has said so already; what is half written is finished all the same.
        self._pool.shutdown(wait=True)
        if error is None:
            self.settle()
