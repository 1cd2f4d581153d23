"""Hashes of scans by their content, and notes of them, so that a scan is read once until its file changes.

A file's size and time of writing do not tell it from another: tools that copy keep times, and two scans of one scanner
have one size. Its content does. A note is believed while path, size, inode and both times are what they were; the time
of the last change of the inode is the kernel's own, and no program can set it back.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from neuromf.data.content import content_key, file_sha256
from neuromf.errors import InputError, UnreadableError

SETTLED_NS = 3_000_000_000
"""Age from which a file's state is noted: clocks of file systems stand still for up to two seconds."""
FileState = tuple[str, int, int, int, int]
"""Path, size, inode, time of writing and time of the inode's change, both in nanoseconds since 1970."""


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
    return str(path.resolve()), state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns


class ScanHashes:
    """Hashes of files, each computed once.

    Args:
        folder: where notes are kept between processes; without it they last as long as this object.

    Attributes:
        folder: the same.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = self._folder = folder
        self._known: dict[FileState, str] = {}

    def of(self, path: Path) -> str:
        """Hexadecimal sha256 of a file's content.

        Raises:
            InputError: there is no such file, or it is written while it is read.
            UnreadableError: the system does not give it.
        """
        state = file_state(path)
        if found := self._known.get(state) or self._noted(state):
            return found
        try:
            digest = file_sha256(path)
        except OSError as error:
            raise UnreadableError.of(path, error) from error
        refuse_written_since(path, state)
        if time.time_ns() - max(state[3:]) > SETTLED_NS:
            self._known[state] = digest
            self._note(state, digest)
        return digest

    def noted(self, path: Path) -> str:
        """The hash as far as it is known without reading the file; empty where it is not, or there is no such file."""
        try:
            state = file_state(path)
        except InputError:
            return ""
        return self._known.get(state) or self._noted(state)

    def _noted(self, state: FileState) -> str:
        """What a note says of a file in this state; empty where none does."""
        if self._folder is None:
            return ""
        try:
            note = json.loads(self._place(self._folder, state).read_bytes())
            found = note["sha256"] if note["state"] == list(state) else ""
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""
        if not isinstance(found, str):
            return ""
        if found:
            self._known[state] = found
        return found

    def _note(self, state: FileState, digest: str) -> None:
        """Write a note; one that cannot be written costs the next process a reading, and nothing else."""
        if self._folder is None:
            return
        place = self._place(self._folder, state)
        staging = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            staging.write_text(json.dumps({"state": state, "sha256": digest}), encoding="utf-8")
            os.replace(staging, place)
        except OSError:
            with suppress(OSError):
                staging.unlink()

    @staticmethod
    def _place(folder: Path, state: FileState) -> Path:
        return folder / f"{content_key(state[0])[:32]}.json"


def refuse_written_since(path: Path, state: FileState) -> None:
    """Make sure that a file is as it was before it was read.

    Raises:
        InputError: it is not.
    """
    if file_state(path) != state:
        raise InputError("was written while it was read", remedy="wait until it is complete, then repeat", file=path)
