"""Which scans a folder holds, and whose they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from neuromf.errors import InputError

_ENDINGS = (".nii.gz", ".nii")
_SUBJECT = re.compile(r"(?:^|_)(sub-[A-Za-z0-9]+)(?=_|$)")
_SESSION = re.compile(r"^ses-[A-Za-z0-9]+$")


@dataclass(frozen=True)
class Scan:
    """One NIfTI file.

    Attributes:
        subject: whose head it is: the BIDS entity `sub-...`, or the file's stem.
        scan_id: unique within the folder, fit for a file name.
        path: the file.
    """

    subject: str
    scan_id: str
    path: Path


def discover_scans(root: Path) -> list[Scan]:
    """Find the scans below a folder.

    T1-weighted files (`*_T1w`) are taken alone where there are any; hidden files and folders are skipped.

    Args:
        root: a BIDS data set or any folder of `.nii` and `.nii.gz` files.

    Returns:
        The scans, sorted by `scan_id`.

    Raises:
        InputError: if there is no such folder, it holds no NIfTI file, or two files have the same name.
    """
    if not root.is_dir():
        raise InputError("there is no such folder", remedy="give the folder that holds your NIfTI files", file=root)
    paths = [path for path in root.rglob("*") if path.name.endswith(_ENDINGS) and _is_visible_file(path, root)]
    if not paths:
        raise InputError("no .nii or .nii.gz file is below this folder", remedy="give another folder", file=root)
    t1_weighted = [path for path in paths if _stem(path).endswith("_T1w")]
    scans = sorted((_scan(path, root) for path in t1_weighted or paths), key=lambda scan: scan.scan_id)
    for earlier, later in pairwise(scans):
        if earlier.scan_id == later.scan_id:
            problem = f"{earlier.path} and {later.path} would share the scan id {later.scan_id!r}"
            raise InputError(problem, remedy="rename one of them", file=root)
    return scans


def subject_id(index: int) -> str:
    """Id of subject `index`, from 0, of the built-in cohort."""
    return f"sub-{index + 1:04d}"


def _is_visible_file(path: Path, root: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _scan(path: Path, root: Path) -> Scan:
    """Read the subject from the file name, else from the folders, innermost first, else take the stem."""
    stem = _stem(path)
    if found := _SUBJECT.search(stem):
        return Scan(found.group(1), stem, path)
    folders = path.relative_to(root).parts[:-1]
    for folder in reversed(folders):
        if found := _SUBJECT.search(folder):
            # Such files are often named alike in every subject's folder, so the folders' entities enter the id.
            sessions = [name for name in folders if _SESSION.match(name)]
            return Scan(found.group(1), "_".join([found.group(1), *sessions, stem]), path)
    return Scan(stem, stem, path)
