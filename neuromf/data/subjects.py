"""Whose scan a file is: by BIDS, by a published scheme, or by a guess that says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from neuromf.data.scan import GUESSED
from neuromf.data.schemes import named_by_scheme

_SUBJECT = re.compile(r"(?:^|_)(sub-[A-Za-z0-9]+)(?=_|$)")
_SESSION = re.compile(r"(?:^|_)(ses-[A-Za-z0-9]+)(?=_|$)")
_SEPARATOR = re.compile(r"[^A-Za-z0-9]+")
_VISIT = re.compile(r"^(ses|session|visit|timepoint|tp|wave|baseline|bl|followup|fu|mr|year|month)\d{0,3}[a-z]?$")
_SECOND = re.compile(r"^((scan|run|rep|repeat|t|v|m|acq|series)?\d{1,2}|[a-c]|t1|t1w|mprage|brain|gd)$")
_NOT_A_PERSON = re.compile(
    r"^(sub|subj|subject|patient|pat|control|case|participant|volunteer|person|id|scan|img|image|brain|head|mri|anat|"
    r"structural|t1|t1w|mprage|study|site|cohort|group|hc|ad|mci|s|p|c)s?$"
)
_SAYS_NO_NAME = re.compile(
    r"^(t1|t1w|t1n|mprage|mpr|brain|head|anat|anatomical|structural|image|img|scan|mri|orig|norm|nu|highres|hires|"
    r"stripped|skull|volume|vol|final|preproc|defaced|restore|acpc|dc|to|mni|n4|bet|unbiased|spgr|\d{1,3})$"
)
_VISIT_FOLDER = re.compile(
    r"^(ses|session|visit|timepoint|tp|wave|baseline|bl|followup|fu|year|month|scan|run)[-_]?\w{0,4}$|^anat(_\d+)?$|"
    r"^(t1|t1w|mprage|nifti|nii|images?|mri|raw|brain|structural)$|^\d{4}-?\d\d-?\d\d(_.*)?$",
    re.IGNORECASE,
)
_MOST_SCANS_OF_A_PERSON = 12


@dataclass(frozen=True)
class Whose:
    """Whose scan a file is.

    Attributes:
        subject: id.
        session: visit, "" where names do not tell it.
        dataset: data set, "" for the root's own.
        how: in words; it starts with `guessed` where no rule applies.
        in_name: whether the file's own name holds the subject.
        name_end: where in the file's name the subject of a published scheme ends, 0 where there is none.
        group: of subjects, where the name tells it.
        modality: contrast, where a pattern of the user's names it.
    """

    subject: str
    session: str
    dataset: str
    how: str
    in_name: bool
    name_end: int = 0
    group: str = ""
    modality: str = ""

    @property
    def guessed(self) -> bool:
        """Whether no rule names the subject."""
        return self.how.startswith(GUESSED)


def whose(path: PurePosixPath) -> Whose:
    """Read the subject from a file's name, else from its folders, innermost first, else by a published scheme.

    Args:
        path: below the root, without the ending.
    """
    return by_bids(path) or by_scheme(path) or by_file_name(path)


def by_bids(path: PurePosixPath) -> Whose | None:
    """The subject that `sub-` names in a file's name, else in its folders, innermost first; None where nothing does."""
    folders = path.parts[:-1]
    named = _SUBJECT.search(path.name)
    homes = [index for index, folder in enumerate(folders) if _SUBJECT.search(folder)]
    if not named and not homes:
        return None
    found = named or _SUBJECT.search(folders[homes[-1]])
    assert found is not None  # one of the two was found
    sessions = [match.group(1) for part in path.parts if (match := _SESSION.search(part))]
    above = folders[: homes[0]] if homes else folders
    how = "BIDS name" if named else "BIDS folder"
    return Whose(found.group(1), sessions[-1] if sessions else "", "/".join(above), how, named is not None)


def by_scheme(path: PurePosixPath) -> Whose | None:
    """The subject that a published scheme reads from a path; None where none does."""
    if scheme := named_by_scheme(str(path)):
        start = len(str(path)) - len(path.name)
        dataset = scheme.subject.rpartition("/")[0] or scheme.scheme
        end = max(scheme.end - start, 0)
        return Whose(scheme.subject, scheme.session, dataset, f"names of {scheme.scheme}", end > 0, end)
    return None


def by_file_name(path: PurePosixPath) -> Whose:
    """A subject of the file's own name: a guess, which `guess_subjects` looks at together with the others."""
    return Whose(path.name, "", "", f"{GUESSED} from the file name", True)


def guess_subjects(paths: Iterable[PurePosixPath]) -> tuple[dict[PurePosixPath, tuple[str, str]], str]:
    """Guess the subjects of scans whose names follow no rule.

    A name that no other file has is a subject of its own, unless it differs from others in a visit alone. Files of one
    name are one subject, unless the name is a word such as `t1`: then the folder that differs is the subject.

    Returns:
        (subject, how) by path; and why two folders could each be the subject, "" where that is clear.
    """
    by_name: dict[str, list[PurePosixPath]] = defaultdict(list)
    for path in paths:
        by_name[path.name].append(path)
    shared = [path for group in by_name.values() if len(group) > 1 for path in group]
    in_folders = [path for path in shared if _says_no_name(path.name)]
    guesses = {path: (path.name, f"{GUESSED} from the file name") for group in by_name.values() for path in group}
    guesses |= _without_visits([name for name in by_name if not _says_no_name(name)], by_name)
    folders, doubt = _telling_folders(in_folders)
    guesses |= {path: (folder, f"{GUESSED} from the folder") for path, folder in folders.items()}
    return guesses, doubt


def alike_guesses(names: Sequence[str]) -> tuple[str, str] | None:
    """Two guessed subjects that differ in the number of a scan alone, as one person's scans would; None if none do."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        groups[_person(name)].append(name)
    found = (group for group in groups.values() if 1 < len(group) <= _MOST_SCANS_OF_A_PERSON)
    return next(((group[0], group[1]) for group in found), None)


def _person(name: str) -> str:
    """A name without the words at its end that count scans, as far as what is left could name a person."""
    words = _SEPARATOR.split(name.lower())
    while len(words) > 1 and _SECOND.match(words[-1]) and not _NOT_A_PERSON.match("_".join(words[:-1])):
        words.pop()
    return "_".join(words)


def _says_no_name(name: str) -> bool:
    return all(_SAYS_NO_NAME.match(word) for word in _SEPARATOR.split(name.lower()) if word)


def _without_visits(
    names: Sequence[str], paths: Mapping[str, Sequence[PurePosixPath]]
) -> dict[PurePosixPath, tuple[str, str]]:
    """Join names that differ in the word for a visit alone."""
    visits: dict[str, list[str]] = defaultdict(list)
    for name in names:
        words = _SEPARATOR.split(name)
        first = next((index for index, word in enumerate(words) if index and _VISIT.match(word.lower())), 0)
        if first and not _NOT_A_PERSON.match(words[0].lower() if first == 1 else ""):
            visits["_".join(words[:first])].append(name)
    how = f"{GUESSED} from the file name without its visit"
    joined = {person: group for person, group in visits.items() if 1 < len(group) <= _MOST_SCANS_OF_A_PERSON}
    return {path: (person, how) for person, group in joined.items() for name in group for path in paths[name]}


def _telling_folders(paths: Sequence[PurePosixPath]) -> tuple[dict[PurePosixPath, str], str]:
    """The one folder of each path that differs between the paths and is no visit's."""
    telling = {path: [part for part in path.parts[:-1] if not _VISIT_FOLDER.match(part)] for path in paths}
    while telling and all(parts for parts in telling.values()) and len({p[0] for p in telling.values()}) == 1:
        if all(len(parts) == 1 for parts in telling.values()):
            break  # all are one subject's
        telling = {path: parts[1:] for path, parts in telling.items()}
    unclear = next(((path, parts) for path, parts in telling.items() if len(parts) > 1), None)
    if unclear is not None:
        path, parts = unclear
        return {}, f"{path} could be a scan of {parts[0]!r} or of {parts[1]!r}"
    return {path: parts[0] for path, parts in telling.items() if parts}, ""
