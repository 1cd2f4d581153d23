"""Folders of which nothing can be trained on, as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from neuromf.counted import counted
from neuromf.data.image_files import ImageFiles
from neuromf.errors import InputError

_REMEDIES = {
    "does not match the pattern": "mend --pattern, which is looked for in paths such as the first",
    "is none of the layout": "give another --layout, or none",
    "its name has no desc-": "ask for another --desc",
    "its name has no space-": "ask for another --space",
}
"""By words of the reason."""
_OTHERWISE = "give a folder with T1-weighted scans"


def refuse_empty_links(root: Path, taken: Sequence[Path], lost: Sequence[Path], images: ImageFiles) -> None:
    """Refuse links without content, which would otherwise drop out of a cohort.

    Args:
        root: the folder.
        taken: files that would be trained on.
        lost: links that are named like a subject's folder and lead nowhere.
        images: what the folder holds.

    Raises:
        InputError: there are such links; it counts them, names the first and says what fetches them.
    """
    empty = [*(path for path in taken if path in images.empty), *lost]
    if not empty:
        return
    fetch = {"git annex get": "`datalad get .` or `git annex get .`", "git lfs pull": "`git lfs pull`"}
    known = fetch.get(images.empty.get(empty[0], ""))
    remedy = (
        f"fetch the content with {known} in this folder"
        if known
        else "restore what they point to or delete them; in a DataLad data set, `datalad get .` fetches it"
    )
    number = counted(len(empty), "link")
    problem = f"{number} here without content, which would be trained on (first {empty[0].relative_to(root)})"
    raise InputError(problem, remedy=remedy, file=root)


def empty_reason(command: str) -> str:
    """Why a link without content is left out, where that is told and not refused."""
    return f"a link without content: `{command}` fetches it" if command else "a link that leads nowhere"


def nothing_left(root: Path, files: Sequence[Path], reasons: Mapping[Path, str]) -> InputError:
    """Why a folder of NIfTI files has no scan."""
    numbers = Counter(reasons[path].partition(": ")[0] for path in files)
    first = {reasons[path].partition(": ")[0]: path for path in reversed(files)}
    said = ", ".join(
        f"{count} because {reason} (first {first[reason].relative_to(root)})" for reason, count in numbers.items()
    )
    problem = f"no scan is left of {counted(len(files), 'NIfTI file')}: {said}"
    remedy = next((_REMEDIES[reason] for reason in _REMEDIES if any(reason in one for one in numbers)), _OTHERWISE)
    return InputError(problem, remedy=remedy, file=root)
