"""Folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuromf.errors import InputError
from neuromf.output import REMEDY

SUFFIX = ".part"
"""Ending of a folder that is being filled; its name also holds the machine and the process that fill it."""
FOUND_AT_MOUNT = ("lost+found",)
"""What stands in a file system that is new."""
TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
"""What the system says of a name that somebody else has just been given; anything else is an error of the disk."""


@contextmanager
def staged_directory(out: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success give it the name `out`, on any failure delete it.

    A link is followed: the folder that it names is made. At the top of a mounted file system, which cannot be renamed,
    the temporary folder lies inside, and what was put into it is moved up one by one at the end.

    Args:
        out: the folder to create; an empty folder there already is replaced.

    Yields:
        The folder to fill.

    Raises:
        InputError: if `out` is a file or a folder that is not empty, or cannot be written; or if another process has
            made it meanwhile, whose folder stays as it is.
    """
    target = Path(os.path.realpath(out))
    refuse_occupied(target)
    inside = os.path.ismount(target)
    staging = own_folder(target if inside else target.parent, target.name)
    try:
        yield staging
        _give_name(staging, target, inside=inside)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _give_name(staging: Path, target: Path, *, inside: bool) -> None:
    """The last step; the system itself lets only one of several processes take it."""
    try:
        refuse_occupied(target, staging)
    except InputError as error:
        raise _overtaken(target) from error
    try:
        if inside:
            _move_up(staging, target)
        else:
            os.replace(staging, target)
    except OSError as error:
        if error.errno in TAKEN:
            raise _overtaken(target) from error
        problem = f"cannot be written ({error.strerror or error})"
        raise InputError(problem, remedy=REMEDY, file=target) from error


def _overtaken(target: Path) -> InputError:
    """It was absent or empty when the work began."""
    problem = "another process has written there meanwhile"
    return InputError(problem, remedy="choose another folder", file=target)


def refuse_occupied(out: Path, *own: Path) -> None:
    """Make sure that a folder is absent or empty.

    Args:
        out: the folder, or a link to it.
        own: what may stand in it.

    Raises:
        InputError: there is something else.
    """
    if out.is_dir() and all(path in own or path.name in FOUND_AT_MOUNT for path in out.iterdir()):
        return
    if out.exists() or (out.is_symlink() and not Path(os.path.realpath(out)).parent.is_dir()):
        raise InputError("the output already exists", remedy="choose another folder or remove this one", file=out)


def own_folder(parent: Path, name: str) -> Path:
    """Make a folder that this process alone fills, readable to whom the umask lets read.

    Raises:
        InputError: it cannot be made.
    """
    folder = parent / f".{name[:100]}~{socket.gethostname()}~{os.getpid()}~{secrets.token_hex(4)}{SUFFIX}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()  # by the umask, unlike a folder of `tempfile`, which nobody else could read
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write here ({reason})", remedy="choose a writable folder", file=parent) from error
    return folder


def sweep_orphans(parent: Path) -> list[Path]:
    """Delete the folders of processes of this machine that are gone, such as those that were killed.

    Returns:
        What was deleted. A folder of another machine stays: whether its process lives cannot be seen from here.
    """
    gone = [folder for folder in parent.glob(f".*{SUFFIX}") if _is_orphan(folder.name)]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return gone


def _is_orphan(name: str) -> bool:
    parts = name.split("~")
    if len(parts) != 4 or parts[1] != socket.gethostname() or not parts[2].isdecimal():
        return False
    try:
        os.kill(int(parts[2]), 0)  # asks whether the process is there, and sends nothing
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _move_up(staging: Path, target: Path) -> None:
    """Move everything up, or nothing."""
    moved: list[Path] = []
    try:
        for path in sorted(staging.iterdir()):
            os.replace(path, target / path.name)
            moved.append(target / path.name)
    except BaseException:
        for path in moved:
            os.replace(path, staging / path.name)
        raise
