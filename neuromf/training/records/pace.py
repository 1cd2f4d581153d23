"""When a run had done how many steps: a file of its own, which nothing compares, for a trace holds no time.

The dates of files do not tell: a copied run has those of the copying.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from neuromf.errors import InputError

HEADER = "session,step,seconds\n"
EVERY = 5.0
"""Seconds from one mark to the next; more of them would say no more, and a run of a week is 100,000 as it is."""
TAIL = 8_192
"""Bytes at the end of the file that are read: some 250 marks, 20 minutes at least."""
LATEST = 30
"""Marks at the end of a session over which its pace is averaged, checkpoints and samples included."""


@dataclass(frozen=True)
class Mark:
    """Optimiser steps done at a time.

    Attributes:
        session: number of the start or resume, from 0; no time passes between two of them.
        step: optimiser steps done.
        seconds: since 1970.
    """

    session: int
    step: int
    seconds: float


class PaceWriter:
    """Marks the time of a run's start, of some steps, and of the last.

    Args:
        path: the file; marks of earlier sessions stay, also of steps that will be made again.
        step: optimiser steps done before.
    """

    def __init__(self, path: Path, step: int) -> None:
        former = path.read_bytes()[-TAIL:] if path.exists() else b""
        known = [mark for line in former.decode(errors="replace").splitlines() if (mark := mark_in(line)) is not None]
        self._session = known[-1].session + 1 if known else 0
        self._stream = path.open("a", encoding="ascii")
        if not former:
            self._stream.write(HEADER)
        elif not former.endswith(b"\n"):  # a kill tore the last line
            self._stream.write("\n")
        self._write(step)

    def done(self, step: int) -> None:
        """So many steps are done; the time is marked when the last mark is old."""
        self._step = step
        if not 0 <= time.time() - self._marked < EVERY:
            self._write(step)

    def _write(self, step: int) -> None:
        self._step, self._marked, self._written = step, time.time(), step
        self._stream.write(f"{self._session},{step},{self._marked:.3f}\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The run's end is in its checkpoint: on a disk that is full by now, its time is not worth an error.
        with contextlib.suppress(OSError):
            if self._step != self._written:
                self._write(self._step)
        with contextlib.suppress(OSError):
            self._stream.close()


def read_marks(path: Path) -> list[Mark]:
    """The newest marks of a run, oldest first; none where the run recorded none, as those of earlier versions.

    A torn line, which a kill leaves, is passed over.

    Raises:
        InputError: the file is none of marks.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - TAIL))
            lines = stream.read().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return []
    whole = lines[1:-1]  # the first is the header, or cut by the seek; the last is empty, or being written
    marks = [mark for line in whole if (mark := mark_in(line)) is not None]
    if (size > TAIL and not marks) or (size <= TAIL and f"{lines[0]}\n" != HEADER and len(lines) > 1):
        raise InputError("holds no times of steps", remedy="move the file away", file=path)
    return marks


def seconds_per_step(marks: Sequence[Mark]) -> float | None:
    """Duration of a step by the newest session that tells it.

    Returns:
        Seconds; None where no session holds a step, or its times are not in order, as after a clock was set.
    """
    for session in sorted({mark.session for mark in marks}, reverse=True):
        own = [mark for mark in marks if mark.session == session][-LATEST:]
        steps, passed = own[-1].step - own[0].step, own[-1].seconds - own[0].seconds
        if steps > 0 and passed > 0 and all(b.seconds >= a.seconds for a, b in pairwise(own)):
            return passed / steps
    return None


def mark_in(line: str) -> Mark | None:
    """The mark that a line holds; None where it holds none, or was torn by a kill."""
    try:
        session, step, seconds = line.split(",")
        mark = Mark(int(session), int(step), float(seconds))
    except ValueError:
        return None
    return mark if mark.session >= 0 and mark.step >= 0 and 0 < mark.seconds < 1e12 else None
