"""The NIfTI files below a folder, with links followed, and what stands there that cannot be read."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from neuromf.errors import InputError

ENDINGS = (".nii.gz", ".nii")
"""Of a NIfTI file, in small or capital letters."""
_OTHER_FORMATS = (".mgz", ".mgh", ".img", ".img.gz", ".mnc", ".nrrd", ".nhdr", ".mha", ".dcm", ".nii.bz2", ".nii.zst")
_POINTERS = {b"version https://git-lfs": "git lfs pull", b"/annex/objects/": "git annex get"}
"""First bytes of the small text that stands for a file until its content is fetched."""
_LARGEST_POINTER = 32_768
_SYSTEM = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information"})


@dataclass
class ImageFiles:
    """What a folder holds.

    Attributes:
        files: NIfTI files, links without content among them.
        empty: those of `files` that are links without content, and the command that fetches it.
        same: those of `files` that are another one under a second name, and that other.
        broken_folders: links without an ending that lead nowhere.
        seen_twice: links to folders that were read already.
        other_formats: number of files by ending, of formats that are not read.
        states: of those files that could be looked at; asked for once, for a folder may hold 100,000.
    """

    files: list[Path] = field(default_factory=list)
    empty: dict[Path, str] = field(default_factory=dict)
    same: dict[Path, Path] = field(default_factory=dict)
    broken_folders: list[Path] = field(default_factory=list)
    seen_twice: list[Path] = field(default_factory=list)
    other_formats: Counter[str] = field(default_factory=Counter)
    states: dict[Path, os.stat_result] = field(default_factory=dict)


def stem_of(path: Path) -> str:
    """The name without the ending of a NIfTI file."""
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), "")
    return path.name[: len(path.name) - len(ending)]


def find_images(root: Path) -> ImageFiles:
    """Find the NIfTI files below `root`; hidden files and folders are skipped, linked folders are read once.

    Raises:
        InputError: a folder cannot be read.
    """
    found = ImageFiles()
    seen: set[tuple[int, int]] = set()
    waiting, linked = [root], list[Path]()
    while waiting or linked:
        # Links last: a folder that stands here under its own name is read under that.
        folder = waiting.pop() if waiting else linked.pop(0)
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            found.seen_twice.append(folder)
            continue
        seen.add((state.st_dev, state.st_ino))
        for entry in _entries(folder):
            if entry.is_dir():
                (linked if entry.is_symlink() else waiting).append(Path(entry.path))
            else:
                _look_at(entry, found)
    found.files.sort()
    _mark_second_names(found)
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _SYSTEM]
    except OSError as error:
        remedy = "ask for the right to read it, or give a folder without it"
        raise InputError(f"this folder cannot be read ({error.strerror})", remedy=remedy, file=folder) from error
    return sorted(shown, key=lambda entry: entry.name)


def _look_at(entry: os.DirEntry[str], found: ImageFiles) -> None:
    path, name = Path(entry.path), entry.name.lower()
    if name.endswith(ENDINGS):
        if entry.is_file():
            found.files.append(path)
            found.states[path] = state = entry.stat()
            if 0 < state.st_size <= _LARGEST_POINTER and (command := _pointer(path)):
                found.empty[path] = command
        elif entry.is_symlink():
            found.files.append(path)
            found.empty[path] = "git annex get" if ".git/annex" in os.readlink(path) else ""
    elif other := next((ending for ending in reversed(_OTHER_FORMATS) if name.endswith(ending)), None):
        found.other_formats[other] += 1
    elif entry.is_symlink() and "." not in name and not entry.is_file():
        found.broken_folders.append(path)


def _pointer(path: Path) -> str:
    """The command that fetches a file's content, where the file holds a reference to it alone."""
    try:
        with path.open("rb") as stream:
            start = stream.read(32)
    except OSError:
        return ""  # whoever reads the scan says why it cannot be read
    return next((command for first, command in _POINTERS.items() if start.startswith(first)), "")


def _mark_second_names(found: ImageFiles) -> None:
    """Find links and hard links to a file that is there already: one scan under two names may be two subjects."""
    first: dict[tuple[int, int], Path] = {}
    for path in sorted(found.files, key=lambda path: (path.is_symlink(), path)):
        if path in found.empty:
            continue
        state = found.states[path]
        earlier = first.setdefault((state.st_dev, state.st_ino), path)
        if earlier != path and (path.is_symlink() or state.st_nlink > 1):  # some file systems number files loosely
            found.same[path] = earlier
