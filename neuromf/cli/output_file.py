"""Checks at the start of a long command that its output file can be written at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from neuromf.errors import InputError


def check_output_file(path: Path, key: str, keep: Iterable[Path] = ()) -> None:
    """Make sure that a file can be written there, by opening it as it will be; what it holds stays.

    Args:
        path: the file; it need not exist, its folder must.
        key: the option that names it.
        keep: files that must not be overwritten.

    Raises:
        InputError: it cannot be written, or is one of those to keep.
    """
    if path.resolve() in {other.resolve() for other in keep}:
        raise InputError("would be overwritten", remedy="give another name", file=path, key=key)
    there = os.path.lexists(path)
    if path.exists() and not path.is_dir() and not path.is_file():
        return  # a pipe or terminal: opening one now could wait for its reader
    try:
        path.open("a").close()
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        remedy = "give a file in a folder that exists and can be written to"
        raise InputError(problem, remedy=remedy, file=path, key=key) from error
    if not there:
        path.unlink()
