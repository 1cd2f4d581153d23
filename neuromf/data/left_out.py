"""Which files of a folder are left out, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neuromf.data.contents import Content, Kind
from neuromf.data.image_files import ImageFiles, stem_of
from neuromf.data.versions import Wanted, second_versions

_BESIDE_RAW = frozenset({"derivatives", "sourcedata"})


@dataclass(frozen=True)
class Names:
    """What the names of files say.

    Attributes:
        below: each file's path below the root, without the ending.
        contents: what each name says that the file holds.
        datasets: the data set of each whose subject is known by a rule; a guess has none.
        unread: files whose names no rule reads, with that rule.
    """

    below: Mapping[Path, PurePosixPath]
    contents: Mapping[Path, Content]
    datasets: Mapping[Path, str]
    unread: Mapping[Path, str]


def reasons_to_leave(images: ImageFiles, names: Names, wanted: Wanted) -> dict[Path, str]:
    """Why each file is left out, "" where it is taken.

    Args:
        images: the files.
        names: what their names say.
        wanted: which derivatives are asked for; without any, raw scans go before derivatives.
    """
    reasons = {path: names.unread.get(path, "") for path in images.files}
    for path, other in images.same.items():
        reasons[path] = reasons[path] or f"the same file under another name: {other}"
    _leave_second_format(images.files, reasons)
    aside: set[Path] = set()
    if wanted:
        reasons = {path: reason or wanted.reason(names.below[path].name) for path, reason in reasons.items()}
    else:
        aside = {path for path in images.files if _BESIDE_RAW & set(names.below[path].parts[:-1])}
    raw = [path for path in images.files if path not in aside]
    chosen = _by_contrast(raw, names, reasons)
    if any(not chosen[path] for path in raw):
        beside = "below derivatives or sourcedata, beside raw scans"
        chosen |= {path: reasons[path] or beside for path in aside}
    else:
        chosen |= _by_contrast(sorted(aside), names, reasons)
    versions = second_versions(names.below, [path for path in images.files if not chosen[path]])
    return chosen | {path: f"another version of this image is taken: {other}" for path, other in versions.items()}


def _leave_second_format(files: Sequence[Path], reasons: dict[Path, str]) -> None:
    compressed = {path.parent / stem_of(path) for path in files if path.name.lower().endswith(".gz")}
    for path in files:
        if not path.name.lower().endswith(".gz") and path.parent / stem_of(path) in compressed:
            reasons[path] = reasons[path] or "it stands beside a .nii.gz of the same name"


def _by_contrast(files: Sequence[Path], names: Names, reasons: Mapping[Path, str]) -> dict[Path, str]:
    open_files = [path for path in files if not reasons[path]]
    contents = names.contents
    marked = {
        path for path in open_files
        if names.below[path].name.lower().endswith("_t1w") and contents[path].kind in (Kind.T1, Kind.UNKNOWN)
    }  # fmt: skip
    marking = {names.datasets.get(path) for path in marked}
    kinds = {contents[path].kind for path in open_files}
    structural = {contents[path].modality for path in open_files if contents[path].kind is Kind.STRUCTURAL}
    wanted = {Kind.T1, Kind.UNKNOWN}
    if not kinds & wanted and len(structural) == 1:
        wanted = {Kind.STRUCTURAL}  # a cohort of one other contrast is somebody's choice
    chosen = {path: reasons[path] for path in files}
    for path in open_files:
        content, home = contents[path], names.datasets.get(path)
        if content.kind not in wanted:
            chosen[path] = f"its name says {content.modality}"
        elif marked and path not in marked and (home is None or home in marking):
            chosen[path] = "its name does not end in _T1w, as others do"
    return chosen
