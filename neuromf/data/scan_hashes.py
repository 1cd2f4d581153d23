"""Hashes of scans by their content, and notes of them, so that a scan is read once until its file changes.

A file's size and time of writing do not tell it from another: tools that copy keep times, and two scans of one scanner
have one size. Its content does. A note is believed while path, size, inode and both times are what they were; the time
of the last change of the inode is the kernel's own, and no program can set it back.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from neuromf.data.content import file_sha256
from neuromf.data.hash_notes import FileState, HashNotes
from neuromf.errors import InputError, UnreadableError

SETTLED_NS = 3_000_000_000
"""Age from which a file's state is noted: clocks of file systems stand still for up to two seconds."""


def file_state(path: Path) -> FileState:
    """What can be told of a file without reading it.

    Raises:
        InputError: there is no such file.
        UnreadableError: the system does not tell.
    """
    try:
        state = path.stat()
    except FileNotFoundError as error:
        raise InputError("there is no such file", remedy="check the path", file=path) from error
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    return state_of(path, state)


def state_of(path: Path, state: os.stat_result) -> FileState:
    """The same of a file that the system told of already."""
    # Links in the path are not followed, which would cost a call of the system for each folder of it: where they come
    # to lead elsewhere, inode and times are another's.
    return os.path.abspath(path), state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns


class ScanHashes:
    """Hashes of files, each computed once.

    Args:
        folder: where notes are kept between processes; without it they last as long as this object.

    Attributes:
        folder: the same.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._notes = None if folder is None else HashNotes(folder)
        self._known: dict[FileState, str] = {}

    def of(self, path: Path, state: FileState | None = None) -> str:
        """Hexadecimal sha256 of a file's content.

        Args:
            path: the file.
            state: what `file_state` says of it now, where it was asked already.

        Raises:
            InputError: there is no such file, or it is written while it is read.
            UnreadableError: the system does not give it.
        """
        state = state or file_state(path)
        if found := self.noted_of(state):
            return found
        try:
            digest = file_sha256(path)
        except OSError as error:
            raise UnreadableError.of(path, error) from error
        refuse_written_since(path, state)
        if time.time_ns() - max(state[3:]) > SETTLED_NS:
            if self._notes is None:
                self._known[state] = digest
            else:
                self._notes.add(state, digest)
        return digest

    def noted(self, path: Path) -> str:
        """The hash as far as it is known without reading the file; empty where it is not, or there is no such file."""
        try:
            return self.noted_of(file_state(path))
        except InputError:
            return ""

    def noted_of(self, state: FileState) -> str:
        """The same of a file whose state is known; empty where no note is of it."""
        return self._known.get(state, "") if self._notes is None else self._notes.find(state)


def refuse_written_since(path: Path, state: FileState) -> None:
    """Make sure that a file is as it was before it was read.

    Raises:
        InputError: it is not.
    """
    if file_state(path) != state:
        raise InputError("was written while it was read", remedy="wait until it is complete, then repeat", file=path)
