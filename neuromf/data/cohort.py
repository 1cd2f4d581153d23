"""Which scans a folder holds, and whose they are.

Rules, in this order. A file that is another one under a second name is left out. Files below `derivatives` or
`sourcedata` are left out beside raw scans. Where names end in `_T1w`, these are taken alone; elsewhere label maps and
other contrasts are left out where names say so, and what names do not tell is taken. Of one name with both endings,
`.nii.gz` is taken. A link without content that would be taken is refused.

The same subject id in two data set folders is taken for one person, whatever the folders are: public data sets exist
that share people and ids (Individual Brain Charting, ds000244 and ds002685), one split for two people does no harm, and
two splits for one would. Their scans are kept apart by the folder, which enters the scan id.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

from neuromf.counted import counted
from neuromf.data.identity import below, content_of_scan, inside, named_together, scan_of, told_apart
from neuromf.data.image_files import ImageFiles, find_images
from neuromf.data.left_out import Names, reasons_to_leave
from neuromf.data.naming import Naming
from neuromf.data.refused_folder import empty_reason, nothing_left, refuse_empty_links
from neuromf.data.scan import Scan
from neuromf.data.selection import ScanCandidate, Selection
from neuromf.data.subjects import by_file_name, whose
from neuromf.data.versions import Wanted
from neuromf.errors import InputError

__all__ = ["Scan", "Selection", "discover_scans", "select_scans", "subject_id"]

EVERY_LAYOUT = Naming()
ANY_VERSION = Wanted()


def select_scans(
    root: Path,
    naming: Naming = EVERY_LAYOUT,
    wanted: Wanted = ANY_VERSION,
    *,
    links: Literal["refuse", "tell"] = "refuse",
) -> Selection:
    """Decide which files below a folder are trained on; no file is opened, save small ones that may be links.

    Args:
        root: a BIDS data set, a published data set, or any folder of `.nii` and `.nii.gz` files.
        naming: how names are read.
        wanted: which derivatives are asked for.
        links: whether links without content are refused, or left out with that reason.

    Raises:
        InputError: there is no such folder, it holds no scan, links have no content, or names cannot tell scans apart.
    """
    if root.is_file():
        remedy = "give the folder that holds your NIfTI files; a table needs source: table"
        raise InputError("is a file, not a folder", remedy=remedy, file=root)
    if not root.is_dir():
        raise InputError("there is no such folder", remedy="give the folder that holds your NIfTI files", file=root)
    images = find_images(root)
    lost = [path for path in images.broken_folders if not whose(below(path, root)).guessed]
    if not images.files:
        refuse_empty_links(root, [], lost, images)
        seen = f"; {_formats(images)}" if images.other_formats else ""
        raise InputError(f"no .nii or .nii.gz file is below this folder{seen}", remedy="give another folder", file=root)
    names = {path: below(path, root) for path in images.files}
    read = {path: naming.read(names[path], PurePosixPath(inside(path, root))) for path in images.files}
    owners = {path: owner or by_file_name(names[path]) for path, owner in read.items()}
    contents = {path: content_of_scan(names[path], owners[path]) for path in images.files}
    datasets = {path: owner.dataset for path, owner in owners.items() if not owner.guessed}
    unread = {path: naming.rule for path, owner in read.items() if owner is None}
    reasons = reasons_to_leave(images, Names(names, contents, datasets, unread), wanted)
    if links == "tell":
        told = {path: empty_reason(images.empty[path]) for path in images.empty if not reasons[path]}
        reasons |= told
    taken = [path for path in images.files if not reasons[path]]
    if links == "refuse":
        refuse_empty_links(root, taken, lost, images)
    if not taken:
        raise nothing_left(root, images.files, reasons)
    owners |= named_together(root, {path: (names[path], owners[path]) for path in taken})
    scans = {path: scan_of(path, names[path], owners[path], contents[path], root) for path in images.files}
    scans |= told_apart({path: scans[path] for path in taken}, names, root)
    order = sorted(images.files, key=lambda path: (bool(reasons[path]), scans[path].scan_id, path))
    candidates = tuple(ScanCandidate(scans[path], reasons[path]) for path in order)
    return Selection(root, candidates, _others(root, images))


def discover_scans(root: Path) -> list[Scan]:
    """Find the scans below a folder; `select_scans` tells besides what was left out and why.

    Args:
        root: a BIDS data set, a published data set, or any folder of `.nii` and `.nii.gz` files.

    Returns:
        The scans, sorted by `scan_id`.

    Raises:
        InputError: as `select_scans`.
    """
    return select_scans(root).scans


def subject_id(index: int) -> str:
    """Id of subject `index`, from 0, of the built-in cohort."""
    return f"sub-{index + 1:04d}"


def _formats(images: ImageFiles) -> str:
    return ", ".join(f"{counted(count, 'file')} {ending}" for ending, count in sorted(images.other_formats.items()))


def _others(root: Path, images: ImageFiles) -> tuple[str, ...]:
    lines = []
    if images.other_formats:
        lines.append(f"{_formats(images)} not read: convert them to NIfTI if they are scans")
    if images.seen_twice:
        first = images.seen_twice[0].relative_to(root)
        lines.append(f"{counted(len(images.seen_twice), 'link')} to a folder that is read already (first {first})")
    if images.broken_folders:
        first = images.broken_folders[0].relative_to(root)
        lines.append(f"{counted(len(images.broken_folders), 'link')} that leads nowhere (first {first})")
    return tuple(lines)
