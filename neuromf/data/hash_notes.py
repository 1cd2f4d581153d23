"""Notes of the hashes of files: one file of lines, to which any number of processes append.

A line is written by one call of the system and carries a check of itself: where a file system tears or mixes the lines
of two processes, the check shows it, and the note counts as not written. What an earlier version noted, a small file
for each scan, is still read.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path

from neuromf.data.content import content_key

FileState = tuple[str, int, int, int, int]
"""Path, size, inode, time of writing and time of the inode's change, both in nanoseconds since 1970."""
NOTES_FILE = "notes.txt"


class HashNotes:
    """What processes noted in a folder, read as it grows.

    Args:
        folder: where the file of notes is; made with the first note.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._folder = str(folder / NOTES_FILE), folder
        self._known: dict[bytes, bytes] = {}
        self._read = 0
        self._earlier: bool | None = None

    def find(self, state: FileState) -> str:
        """The hash of a file in this state; empty where no note gives it."""
        path, facts = _key(state[0]), _facts(state)
        if not (found := _digest(self._known.get(path, b""), facts)):
            self._catch_up()
            found = _digest(self._known.get(path, b""), facts) or self._from_earlier_version(state)
        return found

    def add(self, state: FileState, digest: str) -> None:
        """Write a note; one that cannot be written costs the next process a reading, and nothing else."""
        path, rest = _key(state[0]), digest.encode() + b" " + _facts(state)
        self._known[path] = rest
        line = rest + b" " + path
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                # It begins a line of its own, whatever a process that was killed left before it.
                os.write(descriptor, b"\n%08x %b\n" % (zlib.crc32(line), line))
            finally:
                os.close(descriptor)

    def _catch_up(self) -> None:
        """Read what was written since."""
        try:
            if os.stat(self._file).st_size <= self._read:
                return
            with open(self._file, "rb") as stream:
                stream.seek(self._read)
                content = stream.read()
        except OSError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.split(b"\n"):
            check, _, noted = line.partition(b" ")
            parts = noted.split(b" ", 5)
            if len(parts) == 6 and check == b"%08x" % zlib.crc32(noted):
                path = parts[5]
                self._known[path] = noted[: -1 - len(path)]

    def _from_earlier_version(self, state: FileState) -> str:
        if self._earlier is None:
            with suppress(OSError):
                self._earlier = any(entry.name.endswith(".json") for entry in os.scandir(self._folder))
        if not self._earlier:
            return ""
        path = os.path.realpath(state[0])
        try:
            note = json.loads((self._folder / f"{content_key(path)[:32]}.json").read_bytes())
            found = note["sha256"] if note["state"] == [path, *state[1:]] else ""
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""
        if not isinstance(found, str) or not found:
            return ""
        self.add(state, found)
        return found


def _key(path: str) -> bytes:
    """A path on one line."""
    return os.fsencode(path).replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def _facts(state: FileState) -> bytes:
    return b"%d %d %d %d" % state[1:]


def _digest(noted: bytes, facts: bytes) -> str:
    return noted[:64].decode("ascii", "replace") if noted[65:] == facts else ""
