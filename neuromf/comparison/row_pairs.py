"""Traces read some rows at a time, two of them side by side, so that none is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

BLOCK = 1 << 22
"""Bytes of a trace that are read at a time: some 14,000 rows, whose text and arrays take 20 MiB. A quarter of it takes
half as long again, for a call of pandas takes 3 ms."""


@dataclass(frozen=True)
class RowPair:
    """Some rows of two traces.

    Attributes:
        first: number of the first row, from 0.
        count: rows of both.
        actual: header and whole lines of the trace in question.
        golden: as many of the other; more or fewer at the end of traces of different length.
    """

    first: int
    count: int
    actual: bytes
    golden: bytes


def row_pairs(actual: Path, golden: Path, block: int = BLOCK) -> Iterator[RowPair]:
    """Rows of two traces that end with a whole line, in order; at least one pair.

    Args:
        actual: one trace.
        golden: the other.
        block: bytes held of either at a time, more than a line.

    Raises:
        OSError: one of them cannot be read.
        ValueError: a line of one is longer than a block.
    """
    with actual.open("rb") as one, golden.open("rb") as other:
        sides = [_Side(one, block), _Side(other, block)]
        first = 0
        while True:
            counts = [side.fill() for side in sides]
            # Where one has ended, the rest of the other has no partner and goes out as it is.
            count = min(counts)
            yield RowPair(first, count, *(side.take(count or have) for side, have in zip(sides, counts, strict=True)))
            first += count
            if not any(side.left for side in sides):
                return


def row_blocks(path: Path, block: int = BLOCK) -> Iterator[bytes]:
    """Header and some whole rows of a trace, again and again until its last whole row.

    Args:
        path: the trace.
        block: bytes held at a time, more than a line.

    Raises:
        OSError: it cannot be read.
        ValueError: a line of it is longer than a block.
    """
    with path.open("rb") as stream:
        side = _Side(stream, block)
        while rows := side.fill():
            yield side.take(rows)


class _Side:
    """One of the two traces: what is read of it and not handed out."""

    def __init__(self, stream: BufferedReader, block: int) -> None:
        self._header = stream.readline()
        self._stream = stream
        # One buffer for the whole file: a new one a block would be a quarter of the time, in pages that are touched.
        self._buffer = bytearray(block)
        self._size = 0
        self._rows = 0
        self._ended = False

    @property
    def left(self) -> bool:
        """Whether there may be more to hand out."""
        return self._size > 0 or not self._ended

    def fill(self) -> int:
        """Read on until the buffer is full or the file ends; how many whole rows are held."""
        while self._size < len(self._buffer):
            with memoryview(self._buffer) as view:
                read = self._stream.readinto(view[self._size :])
            self._ended = not read
            if self._ended:
                break
            self._size += read
        self._rows = self._buffer.count(b"\n", 0, self._size)
        if self._size == len(self._buffer) and not self._rows:
            raise ValueError(f"a line of more than {self._size} bytes")
        return self._rows

    def take(self, rows: int) -> bytes:
        """Hand out the first rows that are held, under the header."""
        end = self._buffer.rfind(b"\n", 0, self._size) + 1
        for _ in range(self._rows - rows):  # a few: rows of two traces are about as long
            end = self._buffer.rfind(b"\n", 0, end - 1) + 1
        with memoryview(self._buffer) as view:
            taken = b"".join((self._header, view[:end]))
            view[: self._size - end] = view[end : self._size]
        self._size -= end
        return taken
