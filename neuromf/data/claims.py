"""Claims: which process works on what now, so that several share a cohort and none does what another is doing.

A claim is a lock file. Where the file system knows `flock`, the system lets go of it when its holder dies, by any
signal. Elsewhere the file itself is the claim; its holder touches it every minute, and one that was not touched for ten
is taken over. A holder that was only slow then does the same work as its successor, to the same bytes.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neuromf.data.cache_entry import unwritable_cache
from neuromf.errors import InputError
from neuromf.lock import HeldError, Lock

TOUCHED_EVERY_S = 60.0
"""How often a holder says that it is there."""
GIVEN_UP_S = 600.0
"""Age from which a claim that nobody can ask after counts as left behind: ten touches were missed."""
WHOSE = "another encoding"


class Claims:
    """Claims of this process; use it in a `with` statement, which lets go of all at its end.

    Args:
        folder: of the lock files, which all who share the work have in common; made with the first claim.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[str, Lock] = {}
        self._ended = threading.Event()
        self._toucher: threading.Thread | None = None

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for name in list(self._held):
            self.release(name)
        with suppress(OSError):  # others have claims there
            self.folder.rmdir()

    def take(self, name: str) -> bool:
        """Take a claim; False where it is somebody's, of this process too.

        Raises:
            InputError: the file system refuses the file.
        """
        if name in self._held:
            return False
        self._make_folder()
        lock = self._lock(name)
        if lock is None:
            return False
        self._held[name] = lock
        if self._toucher is None:
            self._toucher = threading.Thread(target=self._touch, daemon=True, name="claims")
            self._toucher.start()
        return True

    def release(self, name: str) -> None:
        """Let another have it."""
        self._held.pop(name).release()

    @contextmanager
    def taken(self, name: str) -> Iterator[bool]:
        """Hold a claim while the block runs, if it could be taken."""
        got = self.take(name)
        try:
            yield got
        finally:
            if got:
                self.release(name)

    def _lock(self, name: str) -> Lock | None:
        path = self.folder / f"{name}.lock"
        while True:
            try:
                return Lock(path, what=path, whose=WHOSE)
            except HeldError as held:
                if held.certain or not self._given_up(path):
                    return None
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name}.takeover").unlink(missing_ok=True)
            except InputError:
                if self.folder.is_dir():
                    raise
                self._make_folder()  # another had no claim left and removed it

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable_cache(self.folder, error) from error

    def _given_up(self, path: Path) -> bool:
        """By the clock of the file system, which need not be this machine's."""
        probe = path.with_name(f".{secrets.token_hex(8)}")
        try:
            probe.touch()
            return probe.stat().st_mtime - path.stat().st_mtime > GIVEN_UP_S
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)

    def _touch(self) -> None:
        while not self._ended.wait(TOUCHED_EVERY_S):
            for name in list(self._held):
                with suppress(OSError):
                    os.utime(self.folder / f"{name}.lock")
