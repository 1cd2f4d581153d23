"""One entry of the cache: built aside, renamed into place, verified on every use, rebuilt when damaged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from neuromf.data.store import absent_scans, open_latents
from neuromf.errors import InputError

VERIFIED_AT_ONCE = 2_000
"""Scans of the largest store that is read whole each time: 7 GB of full-size latents, some ten seconds."""


def cache_directory() -> Path:
    """Where results are kept between runs: $NEUROMF_CACHE, else neuromf below $XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("NEUROMF_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neuromf"


def cached_store(name: str, build: Callable[[Path], None]) -> Path:
    """Give the entry's latent store, building it when it is absent or damaged.

    Processes that build the same entry at once do not disturb each other: the first to finish wins.

    Args:
        name: of the entry, holding the hash of everything that decides its content.
        build: fills the folder it is given; the store must be its subfolder `latents`.

    Returns:
        The store's path, verified.

    Raises:
        InputError: if the cache cannot be written, or from `build`.
    """
    entry = cache_directory() / name
    if not _is_sound(entry):
        folder = _temporary_folder(entry)
        try:
            build(folder)
            _publish(folder, entry)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return entry / "latents"


def _is_sound(entry: Path) -> bool:
    """Whether every latent is there and, in a store that is read in a moment, is what the manifest says.

    Those of a larger store are compared with their hashes when a training first reads them.
    """
    if not entry.is_dir():
        return False
    try:
        store = open_latents(entry / "latents", verify=False)
        if len(store.manifest) > VERIFIED_AT_ONCE:
            return not absent_scans(store)
        open_latents(entry / "latents", verify=True)
    except (InputError, OSError):
        return False
    return True


def _temporary_folder(entry: Path) -> Path:
    """A folder of this process's own beside the entry, so that the final rename stays on one file system."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{entry.name}.", suffix=".part", dir=entry.parent))
    except OSError as error:
        problem = f"the cache cannot be written ({error.strerror})"
        raise InputError(problem, remedy="set NEUROMF_CACHE to a writable folder", file=entry.parent) from error


def _publish(folder: Path, entry: Path) -> None:
    """Rename the finished build into place; where another process was first, its equal result stays."""
    try:
        os.replace(folder, entry)
    except OSError:
        if _is_sound(entry):
            return
        damaged = folder.with_suffix(".damaged")
        os.replace(entry, damaged)
        shutil.rmtree(damaged, ignore_errors=True)
        os.replace(folder, entry)
