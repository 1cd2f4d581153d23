"""Standard output and error of a command that may outlive its terminal, as one that was started with `disown`."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from neuromf.training.process_group.interruption import leave_lost_terminal


class LastingStream:
    """A text stream that drops what a terminal that is gone does not take; any other error is as ever.

    Args:
        stream: one that writes to descriptor 1 or 2.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write or drop a text."""
        self._outlasting(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write or drop what was held back."""
        self._outlasting(self._stream.flush)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)

    def _outlasting(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            leave_lost_terminal()


@contextmanager
def lasting_output() -> Iterator[None]:
    """Let no loss of the terminal end what the block does."""
    before = sys.stdout, sys.stderr
    lasting = LastingStream(sys.stdout), LastingStream(sys.stderr)
    sys.stdout, sys.stderr = lasting
    try:
        yield
    finally:
        for stream in lasting:
            stream.flush()
        sys.stdout, sys.stderr = before
