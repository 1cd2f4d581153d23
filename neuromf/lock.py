"""One writer at a time: a lock file that the operating system lets go of when its holder dies.

Where a file system knows no `flock` (Lustre mounted without it, some network and user-space ones), or keeps it to one
machine (see `neuromf.lock_mount`), the file itself is the lock: who creates it has it, and one that was left behind is
taken over only where it is certain that its holder is gone.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import Self

from neuromf.errors import InputError
from neuromf.lock_holder import Holder
from neuromf.lock_mount import flock_is_local, mounts

HELD = {errno.EWOULDBLOCK, errno.EAGAIN}
UNSUPPORTED = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL}
"""What `flock` says where there is none; anything else is an error of the file system."""
PATIENCE_S = 1.0
"""How long a holder may take to write who it is."""
OTHER_TRAINING = "another training"
REMEDY = "wait for it, or stop it first"


class HeldError(InputError):
    """Another holds a lock, or may hold it.

    Attributes:
        certain: whether the operating system says so; otherwise the file alone does, whose holder may be gone.
    """

    certain = True


class Lock:
    """Holds a lock file until it is released or the process ends; use it in a `with` statement.

    Processes that are forked meanwhile do not share it. The file is removed with the lock.

    Args:
        path: the lock file, in a folder that exists.
        what: what is protected, the file that a refusal names.
        whose: who else may hold it, as "another training".

    Raises:
        HeldError: another holds it, or may hold it.
        InputError: the file system refuses the file.
    """

    def __init__(self, path: Path, *, what: Path, whose: str) -> None:
        self._path, self._what, self._whose = path.absolute(), what, whose
        self._descriptor = -1
        try:
            while not self._taken():
                pass  # its holder let go of the file that was opened here, and removed it
        except OSError as error:
            self._close()
            remedy = "give a folder that can be written to"
            problem = f"cannot be locked ({error.strerror or error})"
            raise InputError(problem, remedy=remedy, file=error.filename or self._path) from error
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let another have it. It is removed while it is held: one that has it open sees that it is not there."""
        if self._descriptor >= 0:
            if self._is_in_place():
                self._path.unlink(missing_ok=True)
            self._close()

    def _taken(self) -> bool:
        """Whether this process has it now; False where it is to be tried again."""
        return self._flocked() if _knows_flock(self._path) else self._created()

    def _flocked(self) -> bool:
        self._open(os.O_CREAT)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in HELD:
                raise
            holder = self._holder()
            if holder is None and not self._is_in_place():
                self._close()
                return False  # it has just let go
            raise self._refusal(holder) from error
        if not self._is_in_place():
            self._close()
            return False  # it was removed between the two
        before = Holder.read(self._path)
        if before is not None and not before.by_flock and not before.is_gone():
            raise self._refusal(before)  # a machine that knows no flock here holds it by the file
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, Holder.here(by_flock=True).text().encode(), 0)
        return True

    def _created(self) -> bool:
        """Without flock: the file is the lock, and to create it is to take it."""
        takeover = self._path.with_name(f"{self._path.name}.takeover")
        self._refuse_held()
        try:
            _create(takeover)  # one at a time, or two could remove what the first of them has just created
        except FileExistsError as error:
            raise self._refusal(Holder.read(takeover), takeover) from error
        try:
            self._refuse_held()
            self._path.unlink(missing_ok=True)
            _create(self._path)
            self._open(0)
        finally:
            takeover.unlink(missing_ok=True)
        return True

    def _refuse_held(self) -> None:
        holder = Holder.read(self._path)
        if holder is not None and not holder.is_gone():
            raise self._refusal(holder, self._path)

    def _holder(self) -> Holder | None:
        """Who holds it; None where it does not say so in a while, or is not there any more."""
        deadline = time.monotonic() + PATIENCE_S
        while (holder := Holder.read(self._path)) is None and self._is_in_place() and time.monotonic() < deadline:
            time.sleep(0.02)
        return holder

    def _refusal(self, holder: Holder | None, file: Path | None = None) -> HeldError:
        """What is told; `file` is the one that stands for a holder where there is no flock to ask."""
        who = f" ({holder})" if holder is not None else ""
        if file is None and (holder is None or holder.by_flock):
            return HeldError(f"{self._whose}{who} is writing here", remedy=REMEDY, file=self._what)
        problem = f"{self._whose}{who} may be writing here, and this file system cannot tell whether it still is"
        remedy = f"wait for it; if it has ended, remove {file or self._path}"
        refusal = HeldError(problem, remedy=remedy, file=self._what)
        refusal.certain = False
        return refusal

    def _open(self, flags: int) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | flags, 0o666)
        _OPEN.add(self._descriptor)

    def _close(self) -> None:
        if self._descriptor >= 0:
            _OPEN.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_in_place(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))


def _knows_flock(path: Path) -> bool:
    """Whether the file system of `path` has it for all machines, tried on a file that nobody else opens."""
    if flock_is_local(path.parent.resolve(), mounts()):
        return False
    with tempfile.TemporaryFile(dir=path.parent) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            return False
    return True


def _create(path: Path) -> None:
    with path.open("x", encoding="utf-8") as stream:
        stream.write(Holder.here(by_flock=False).text())


def refuse_in_use(path: Path, what: Path, whose: str = OTHER_TRAINING) -> None:
    """Make sure that nobody holds a lock now, before minutes of work that would be for nothing.

    Raises:
        InputError: somebody does.
    """
    if path.exists():
        Lock(path, what=what, whose=whose).release()


_OPEN: set[int] = set()
"""Descriptors of the locks held here."""


def _let_go() -> None:
    """In a process that was forked: a lock lasts as long as a descriptor of it, and its holder may die before."""
    while _OPEN:
        os.close(_OPEN.pop())


os.register_at_fork(after_in_child=_let_go)
