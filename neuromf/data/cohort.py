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

from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from neuromf.counted import counted
from neuromf.data.contents import Content, content_of
from neuromf.data.image_files import ImageFiles, find_images, stem_of
from neuromf.data.left_out import reasons_to_leave
from neuromf.data.refused_folder import nothing_left, refuse_empty_links
from neuromf.data.scan import Scan
from neuromf.data.schemes import named_by_scheme
from neuromf.data.selection import ScanCandidate, Selection
from neuromf.data.subjects import Whose, guess_subjects, whose
from neuromf.errors import InputError

__all__ = ["Scan", "Selection", "discover_scans", "select_scans", "subject_id"]


def select_scans(root: Path) -> Selection:
    """Decide which files below a folder are trained on; no file is opened, save small ones that may be links.

    Args:
        root: a BIDS data set, a published data set, or any folder of `.nii` and `.nii.gz` files.

    Raises:
        InputError: there is no such folder, it holds no scan, links have no content, or names cannot tell scans apart.
    """
    if not root.is_dir():
        raise InputError("there is no such folder", remedy="give the folder that holds your NIfTI files", file=root)
    images = find_images(root)
    lost = [path for path in images.broken_folders if not whose(_below(path, root)).guessed]
    if not images.files:
        refuse_empty_links(root, [], lost, images)
        seen = f"; {_formats(images)}" if images.other_formats else ""
        raise InputError(f"no .nii or .nii.gz file is below this folder{seen}", remedy="give another folder", file=root)
    names = {path: _below(path, root) for path in images.files}
    owners = {path: whose(name) for path, name in names.items()}
    contents = {path: _content(names[path], owners[path]) for path in images.files}
    reasons = reasons_to_leave(images, names, contents)
    taken = [path for path in images.files if not reasons[path]]
    refuse_empty_links(root, taken, lost, images)
    if not taken:
        raise nothing_left(root, images.files, reasons)
    owners |= _named(root, {path: (names[path], owners[path]) for path in taken})
    scans = {path: _scan(path, names[path], owners[path], contents[path], root) for path in images.files}
    scans |= _apart({path: scans[path] for path in taken}, names, root)
    order = sorted(images.files, key=lambda path: (bool(reasons[path]), scans[path].scan_id, path))
    return Selection(root, tuple(ScanCandidate(scans[path], reasons[path]) for path in order), _others(root, images))


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


def _below(path: Path, root: Path) -> PurePosixPath:
    relative = path.relative_to(root)
    return PurePosixPath(*relative.parts[:-1], stem_of(path))


def _content(name: PurePosixPath, owner: Whose) -> Content:
    return content_of(name.parts[:-1], name.name, bids=owner.how == "BIDS name", subject_end=owner.name_end)


def _named(root: Path, taken: dict[Path, tuple[PurePosixPath, Whose]]) -> dict[Path, Whose]:
    """Subjects of what is taken: guesses looked at together, and one id for one person of two layouts."""
    owners = {path: owner for path, (_, owner) in taken.items()}
    guesses, doubt = guess_subjects(name for name, owner in taken.values() if owner.guessed)
    if doubt:
        remedy = "name the subjects' folders sub-..., or give a folder that holds one folder a subject"
        raise InputError(f"the subjects of these scans are not clear: {doubt}", remedy=remedy, file=root)
    for path, (name, owner) in taken.items():
        if owner.guessed:
            subject, how = guesses[name]
            owners[path] = replace(owner, subject=subject, how=how)
    if {owner.how[:5] for owner in owners.values()} >= {"BIDS ", "names"}:
        labels = {owner.subject for owner in owners.values() if owner.how.startswith("BIDS")}
        known = {named.subject: label for label in sorted(labels) if (named := named_by_scheme(label[4:]))}
        owners = {
            path: replace(owner, subject=known.get(owner.subject, owner.subject)) for path, owner in owners.items()
        }
    return owners


def _scan(path: Path, name: PurePosixPath, owner: Whose, content: Content, root: Path) -> Scan:
    scan_id = name.name
    if not owner.in_name:
        # Such files are often named alike in every subject's folder, so the folders' entities enter the id.
        sessions = [folder for folder in name.parts[:-1] if folder.startswith("ses-")]
        visit = sessions or ([owner.session] if owner.session and owner.how.startswith("names") else [])
        scan_id = "_".join([owner.subject.replace("/", "_"), *visit, scan_id])
    dataset = owner.dataset or root.resolve().name
    return Scan(owner.subject, scan_id, path, owner.session, dataset, content.modality, owner.how)


def _apart(scans: dict[Path, Scan], names: dict[Path, PurePosixPath], root: Path) -> dict[Path, Scan]:
    """Scans of one id get their folders into it."""
    numbers = Counter(scan.scan_id for scan in scans.values())
    apart = {
        path: replace(scan, scan_id="_".join(names[path].parts)) if numbers[scan.scan_id] > 1 else scan
        for path, scan in scans.items()
    }
    owners: dict[str, Path] = {}
    for path, scan in apart.items():
        earlier = owners.setdefault(scan.scan_id, path)
        if earlier != path:
            problem = f"{earlier} and {path} would share the scan id {scan.scan_id!r}"
            raise InputError(problem, remedy="rename one of them", file=root)
    return apart


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
