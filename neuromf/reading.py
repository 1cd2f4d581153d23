"""What the system does not let us read, told apart from what is not there and from what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuromf.errors import UnreadableError


@contextmanager
def told_if_unreadable(path: Path) -> Iterator[None]:
    """Turn the system's refusal to read in the block into a sentence; that a file is not there passes through.

    Args:
        path: what is read; an error that names a file of its own is told of that one.

    Raises:
        UnreadableError: permissions, the disk or the file system refuse.
        FileNotFoundError, NotADirectoryError: the file is not there.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise UnreadableError.of(error.filename or path, error) from error
