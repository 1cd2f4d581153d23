"""Follows a trace that is still being written: each look reads the new lines, and only lines that are complete."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from neuromf.errors import InputError
from neuromf.monitor.guard.initial_ratio import WINDOW
from neuromf.trace.cells import parse_row
from neuromf.trace.columns import NAMES, Row, columns_in

FOREIGN = "give the folder of a `neuromf train`"
"""What to do about a file that is no trace."""
SKIPPED = 1 << 20
"""Bytes of new lines from which those between the first rows and the newest are passed over: a look at a run of a
million steps takes as long as at one of a thousand."""
ENDING = 1 << 16
"""Bytes at the end of a trace that hold its newest rows, some 200."""


def whole_rows(path: Path) -> list[Row]:
    """Every whole row of a trace that may be growing; none when there is no file.

    Raises:
        InputError: the file is not a trace, or its steps are out of order.
    """
    trace = TraceTail(path, window=sys.maxsize)
    trace.look()
    return trace.first


class TraceTail:
    """Reads a trace from where the last look ended, and keeps its first and its newest rows only.

    Rows between them are passed over unread where they are many.

    Args:
        path: the `trace.csv`, which need not exist yet.
        window: rows kept at either end, ten by default.
    """

    def __init__(self, path: Path, window: int = WINDOW) -> None:
        self._path, self._window = path, window
        self._file: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._offset, self._names = 0, list(NAMES)
        self.steps = 0
        """Optimiser steps that are recorded in whole rows."""
        self.first: list[Row] = []
        """The rows of the first steps; by default as many as the guard takes for its initial level."""
        self.recent: deque[Row] = deque(maxlen=self._window)
        """The newest rows."""

    def look(self) -> bool:
        """Read the rows written since the last look; a half-written last line is left for the next.

        Returns:
            Whether the file was written anew, as a resume does: what was known of it is then forgotten.

        Raises:
            InputError: the file is not a trace, or its steps are out of order.
        """
        try:
            with self._path.open("rb") as stream:
                restarted = self._begin(stream)
                self._take(list(self._new_lines(stream)))
        except FileNotFoundError:
            return False
        return restarted

    def _begin(self, stream: BinaryIO) -> bool:
        """Go to where the last look ended, or to the start of a file that is not the same any more."""
        status = os.fstat(stream.fileno())
        # A resumed run replaces the file by a shorter copy that grows again.
        restarted = self._file not in (None, status.st_ino) or status.st_size < self._offset
        if restarted:
            self._forget()
        self._file = status.st_ino
        stream.seek(self._offset)
        return restarted

    def _new_lines(self, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """Step and text of the new whole lines that are kept, the header checked on the way."""
        newest: deque[tuple[int, bytes]] = deque(maxlen=self._window)
        size = os.fstat(stream.fileno()).st_size
        while (line := stream.readline()).endswith(b"\n"):
            if self._offset == 0:
                self._check_header(line)
            else:
                if self.steps < self._window:
                    yield self.steps, line
                newest.append((self.steps, line))
                self.steps += 1
            self._offset += len(line)
            if self.steps >= self._window and size - self._offset > SKIPPED:
                self._skip(stream, size - ENDING)
        yield from ((step, line) for step, line in newest if step >= self._window)

    def _skip(self, stream: BinaryIO, place: int) -> None:
        """Go on at the first whole line after a place in the file, whose step tells how many were passed over."""
        stream.seek(place)
        place += len(stream.readline())
        step, _, _ = stream.readline().partition(b",")
        if not step.isdigit():
            raise self._foreign(f"'{step[:20].decode(errors='replace')}' stands where a step belongs")
        self.steps, self._offset = int(step), place
        stream.seek(place)

    def _take(self, lines: list[tuple[int, bytes]]) -> None:
        for step, line in lines:
            row = self._row(step, line)
            if step < self._window:
                self.first.append(row)
            self.recent.append(row)

    def _check_header(self, line: bytes) -> None:
        cells = self._cells(line)
        self._names = [column.name for column in columns_in(cells)]
        for found, expected in zip([*cells, ""], [*self._names, ""], strict=False):
            if found != expected:
                raise self._foreign(f"column '{found}' stands where '{expected}' belongs")

    def _row(self, step: int, line: bytes) -> Row:
        try:
            row = parse_row(dict(zip(self._names, self._cells(line), strict=True)))
        except ValueError as error:
            raise self._foreign(f"line {step + 2}: {error}") from error
        if row["step"] != step:
            raise self._foreign(f"step {row['step']} stands where step {step} belongs")
        return row

    def _cells(self, line: bytes) -> list[str]:
        try:
            return line.decode().removesuffix("\n").split(",")
        except UnicodeDecodeError as error:
            raise self._foreign(str(error)) from error

    def _foreign(self, problem: str) -> InputError:
        return InputError(f"not a trace ({problem[:200]})", remedy=FOREIGN, file=self._path)
