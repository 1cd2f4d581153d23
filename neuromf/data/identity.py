"""Who a file of a cohort is: its subject, and an id that no other scan has."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from neuromf.data.contents import Content, content_of
from neuromf.data.image_files import stem_of
from neuromf.data.scan import Scan
from neuromf.data.schemes import named_by_scheme
from neuromf.data.subjects import Whose, guess_subjects
from neuromf.errors import InputError


def below(path: Path, root: Path) -> PurePosixPath:
    """A file's path below the root, without its ending."""
    return PurePosixPath(inside(path, root)).with_name(stem_of(path))


def inside(path: Path, root: Path) -> str:
    """A file's path below the root, as text; cut from it, for pathlib takes three times as long."""
    whole, start = str(path), f"{root}/"
    return whole[len(start) :] if whole.startswith(start) else str(path.relative_to(root))


def content_of_scan(name: PurePosixPath, owner: Whose) -> Content:
    """What a file's name says that it holds; a modality that a pattern names goes before the other words."""
    if owner.modality:
        said = content_of((), owner.modality, bids=False)
        return said if said.modality else Content(said.kind, owner.modality)
    above = not owner.in_name and not owner.guessed
    bids = owner.how == "BIDS name"
    return content_of(name.parts[:-1], name.name, bids=bids, subject_end=owner.name_end, subject_above=above)


def named_together(root: Path, taken: dict[Path, tuple[PurePosixPath, Whose]]) -> dict[Path, Whose]:
    """Subjects of what is taken: guesses looked at together, and one id for one person of two layouts."""
    owners = {path: owner for path, (_, owner) in taken.items()}
    guesses, doubt = guess_subjects(name for name, owner in taken.values() if owner.guessed)
    if doubt:
        remedy = (
            "name the subjects' folders sub-..., or say where they stand: `neuromf data index ROOT --pattern REGEX`"
        )
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


def scan_of(path: Path, name: PurePosixPath, owner: Whose, content: Content, root: Path) -> Scan:
    """A file as a scan; another may have the same id until `told_apart` has seen both."""
    scan_id = name.name
    if not owner.in_name:
        # Such files are often named alike in every subject's folder, so the folders' entities enter the id.
        sessions = [folder for folder in name.parts[:-1] if folder.startswith("ses-")]
        visit = sessions or ([owner.session] if owner.session and not owner.how.startswith("BIDS") else [])
        scan_id = "_".join([owner.subject.replace("/", "_"), *visit, scan_id])
    dataset = owner.dataset or root.resolve().name
    return Scan(owner.subject, scan_id, path, owner.session, dataset, content.modality, owner.how, owner.group)


def told_apart(scans: dict[Path, Scan], names: dict[Path, PurePosixPath], root: Path) -> dict[Path, Scan]:
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
