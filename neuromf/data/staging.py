"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuromf.errors import InputError


@contextmanager
def staged_directory(out: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `out`; on success rename it to `out`, on any failure delete it.

    Args:
        out: the folder to create; an empty folder there already is replaced.

    Yields:
        The folder to fill.

    Raises:
        InputError: if `out` exists and is a file or a folder that is not empty, or its parent cannot be made.
    """
    refuse_occupied(out)
    staging = _temporary_sibling(out)
    try:
        yield staging
        refuse_occupied(out)
        os.replace(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def refuse_occupied(out: Path) -> None:
    """Raise `InputError` unless `out` is absent or an empty folder."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise InputError("the output already exists", remedy="choose another folder or remove this one", file=out)


def _temporary_sibling(out: Path) -> Path:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
        folder.chmod(0o777 & ~_umask())  # mkdtemp makes 0700, which would hide a shared cache from other users
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write here ({reason})", remedy="choose a writable folder", file=out.parent) from error
    return folder


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
