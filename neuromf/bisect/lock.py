"""One bisect a journal: an advisory lock that the operating system drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from neuromf.errors import InputError


class JournalLock:
    """Holds `<journal>.lock`, which names the process, until it is released or the process ends.

    A process that is forked while it is held, shares it; workers are therefore to be spawned.

    Args:
        journal: path of the journal.

    Raises:
        InputError: another bisect holds it.
    """

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(journal.name + ".lock")
        self._stream: IO[str] = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self.path.read_text(encoding="utf-8").strip() or "unknown"
            self._stream.close()
            problem = f"another bisect, process {holder}, is writing this journal"
            raise InputError(problem, remedy="wait for it, stop it, or name another journal", file=journal) from error
        self._stream.truncate(0)
        self._stream.write(f"{os.getpid()}\n")
        self._stream.flush()

    def release(self) -> None:
        """Let another bisect have the journal. The file stays: removing it would race with one that has opened it."""
        self._stream.close()
