"""One entry of the cache: built aside, renamed into place, verified on every use, mended when damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from neuromf.data.known_store import reopen_latents
from neuromf.data.staging import own_folder, sweep_orphans
from neuromf.data.store import LatentStore, absent_scans, open_latents
from neuromf.errors import InputError, UnreadableError

VERIFIED_AT_ONCE = 2_000
"""Scans of the largest store that is read whole each time: 7 GB of full-size latents, some ten seconds."""
WRITABLE = "set NEUROMF_CACHE to a writable folder"


def cache_directory() -> Path:
    """Where results are kept between runs: $NEUROMF_CACHE, else neuromf below $XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("NEUROMF_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neuromf"


def unwritable_cache(place: Path, error: OSError) -> InputError:
    """What is told where the system refuses a file or a folder of the cache."""
    return InputError(f"the cache cannot be written ({error.strerror or error})", remedy=WRITABLE, file=place)


def cached_store(name: str, build: Callable[[Path], None]) -> LatentStore:
    """Give the entry's latent store, building it when it is absent, and mending it when it is damaged.

    Processes that build the same entry at once do not disturb each other: the first to finish wins. An entry that the
    system does not give, to another user or by a failing disk, is nobody's to replace.

    Args:
        name: of the entry, holding the hash of everything that decides its content.
        build: fills the folder it is given; the store must be its subfolder `latents`.

    Returns:
        The store, verified.

    Raises:
        UnreadableError: the entry is there and cannot be read.
        InputError: the cache cannot be written, or from `build`.
    """
    entry = cache_directory() / name
    if (store := sound_store(entry)) is not None:
        return store
    folder = _temporary_folder(entry)
    try:
        build(folder)
        _publish(folder, entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return open_latents(entry / "latents", verify=False)


def kept_store(path: Path) -> LatentStore | None:
    """Open a store where an earlier run found it, verified as `cached_store` does; None where it is gone or damaged."""
    return sound_store(path.parent)


def sound_store(entry: Path) -> LatentStore | None:
    """The store of an entry, where every latent is there and, if it is read in a moment, is what the manifest says.

    Those of a larger store are compared with their hashes when a training first reads them.

    Raises:
        UnreadableError: the system does not give it, so that nobody knows.
    """
    try:
        if not entry.is_dir():
            return None
        store = reopen_latents(entry / "latents")
        if len(store.manifest) <= VERIFIED_AT_ONCE:
            return open_latents(entry / "latents", verify=True)
        return None if absent_scans(store) else store
    except UnreadableError:
        raise
    except InputError:
        return None
    except OSError as error:
        raise UnreadableError.of(Path(error.filename or entry), error) from error


def kept_entry(name: str) -> LatentStore | None:
    """The entry's store where it is there with all its files; None where `cached_store` would build it."""
    path = cache_directory() / name / "latents"
    try:
        store = reopen_latents(path)
        return None if absent_scans(store) else store
    except UnreadableError:
        raise
    except InputError:
        return None
    except OSError as error:
        raise UnreadableError.of(path, error) from error


def _temporary_folder(entry: Path) -> Path:
    """A folder of this process's own beside the entry, so that the final rename stays on one file system."""
    try:
        folder = own_folder(entry.parent, entry.name)
    except InputError as error:
        problem = error.problem.replace("cannot write here", "the cache cannot be written")
        raise InputError(problem, remedy=WRITABLE, file=entry.parent) from error
    sweep_orphans(entry.parent)
    return folder


def _publish(folder: Path, entry: Path) -> None:
    """Rename the finished build into place; where another process was first, its equal result stays.

    A damaged entry is mended file by file: equal inputs give equal files, so that a training which reads it meanwhile
    finds what its manifest says, and never a folder that is gone.
    """
    try:
        os.replace(folder, entry)
    except OSError as error:
        if sound_store(entry) is not None:
            return
        if not entry.exists():
            raise unwritable_cache(entry.parent, error) from error
        _mend(folder, entry)


def _mend(folder: Path, entry: Path) -> None:
    try:
        for path in sorted(folder.rglob("*")):
            place = entry / path.relative_to(folder)
            if path.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                os.replace(path, place)
    except OSError as error:
        problem = f"is damaged, and cannot be mended ({error.strerror or error})"
        remedy = "ask its owner to remove it, or set NEUROMF_CACHE to a folder of your own"
        raise InputError(problem, remedy=remedy, file=entry) from error
