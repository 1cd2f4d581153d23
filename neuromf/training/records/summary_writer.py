"""Adds to `training_summary.json` in place: an epoch costs the same whether it is the third or the thirty-thousandth.

The file is whole JSON after every epoch. One write replaces its last line by the new record and that line. A kill falls
before or after that write; what a power failure may leave of it, `read_summary` reads up to the last whole record, and
the next start writes anew.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from neuromf.training.records.summary import read_summary

BEGIN, END = "[", "\n]\n"


class SummaryWriter:
    """Appends epochs to a training summary.

    Args:
        path: the file, which need not exist.
        epoch: the next to come; what an interrupted part of the run wrote of it and of later ones is dropped.

    Raises:
        InputError: the file is not a training summary.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, epoch: int) -> None:
        kept = [record for record in read_summary(path) if record["epoch"] < epoch]
        staging = path.with_suffix(f".{os.getpid()}.tmp")
        self._records = len(kept)
        if kept:
            text = BEGIN + ",".join(_entry(record) for record in kept) + END
            staging.write_text(text)
            staging.replace(path)
        else:
            path.unlink(missing_ok=True)  # no epoch, no file
        self._path = path
        self._stream: int | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Add one epoch; a number that is not finite is told as none, for JSON has no other word.

        Raises:
            OSError: the disk refuses; the file is as it was.
        """
        broken = [key for key, value in record.items() if isinstance(value, float) and not math.isfinite(value)]
        entry = _entry(record | dict.fromkeys(broken))
        stream = self._open()
        size = os.fstat(stream).st_size
        place = size - len(END) if self._records else 0
        text = (("," if self._records else BEGIN) + entry + END).encode()
        try:
            if os.pwrite(stream, text, place) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        except OSError:
            with contextlib.suppress(OSError):
                os.pwrite(stream, END.encode() if self._records else b"", place)
                os.ftruncate(stream, size)
            raise
        self._records += 1

    def sync(self) -> None:
        """Force the records to disk, so that a checkpoint is never ahead of them."""
        if self._stream is not None:
            os.fsync(self._stream)

    def _open(self) -> int:
        if self._stream is None:
            self._stream = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        return self._stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            os.close(self._stream)


def _entry(record: dict[str, Any]) -> str:
    """A record as it stands in the list, on lines of its own."""
    return "\n " + json.dumps(record, indent=1, allow_nan=False).replace("\n", "\n ")
