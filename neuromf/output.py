"""Files that a command leaves: each whole or not at all, and named where the disk refuses it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neuromf.errors import InputError
from neuromf.readable import READABLE

REMEDY = "make room there or name another place, then run the command again"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the refusal of a disk in the block into a sentence that names what was being written.

    A full disk is noticed at a write, which knows no name, and not at the opening, which does.

    Raises:
        InputError: naming the file of the error, or `path` where it has none.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise InputError(problem, remedy=REMEDY, file=error.filename or path) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; the file that the block puts there gets its name at the end, or no file does.

    Args:
        path: the file; a link stays one, and one that exists keeps its mode.

    Yields:
        A path in the same folder with the same ending.

    Raises:
        InputError: the disk refuses it; what stood there before still does.
    """
    with writing(path):
        target = path.resolve()
        staging = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
        try:
            yield staging
            if target.exists():
                staging.chmod(target.stat().st_mode & 0o777)
            staging.replace(target)
        except OSError as error:
            if error.filename == str(staging):
                error.filename = str(path)
            raise
        finally:
            with suppress(OSError):  # as in a folder that is none
                staging.unlink(missing_ok=True)


def write_output(path: Path, text: str) -> None:
    """Write a text file whole or not at all; a pipe or a terminal takes it as it is.

    Raises:
        InputError: the disk refuses it; what stood there before still does.
    """
    with writing(path):
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", errors=READABLE, newline="\n")
            return
        with whole_file(path) as staging:
            staging.write_text(text, encoding="utf-8", errors=READABLE, newline="\n")
