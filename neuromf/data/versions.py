"""Several files of one acquisition: a head that was preprocessed, or brought to another space, is no further head."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([A-Za-z0-9+]+)(?=_|$)", re.IGNORECASE)
_OF_A_VERSION = frozenset({"desc", "space", "res", "den", "cohort", "atlas", "hemi"})
"""Entities by which BIDS derivatives tell versions of one image apart; all others name the acquisition."""


@dataclass(frozen=True)
class Wanted:
    """Which derivatives are asked for; where one is, raw scans are not.

    Attributes:
        desc: value of `desc-`, "" for any.
        space: value of `space-`, "" for any.
    """

    desc: str = ""
    space: str = ""

    def reason(self, name: str) -> str:
        """Why a file is left out, "" where it is wanted."""
        entities = entities_of(name)
        for key, value in (("desc", self.desc), ("space", self.space)):
            if value and entities.get(key) != value:
                return f"its name has no {key}-{value}"
        return ""

    def __bool__(self) -> bool:
        return bool(self.desc or self.space)


def entities_of(name: str) -> dict[str, str]:
    """The `key-value` parts of a BIDS name, without its suffix."""
    return {key.lower(): value for key, value in _ENTITY.findall(name)}


def second_versions(names: Mapping[Path, PurePosixPath], files: Iterable[Path]) -> dict[Path, Path]:
    """Of each acquisition all files but one, each with that one.

    Kept is the file with the fewest entities of a version, so the scanner's own grid before a template's; then
    `desc-preproc`; then the first by name. Names without `sub-` are taken for what they are.

    Args:
        names: of each file, below the root, without the ending.
        files: those to compare.
    """
    groups: dict[tuple[object, ...], list[Path]] = defaultdict(list)
    for path in files:
        entities = entities_of(names[path].name)
        if "sub" not in entities:
            continue
        of_acquisition = frozenset((key, value) for key, value in entities.items() if key not in _OF_A_VERSION)
        suffix = names[path].name.rpartition("_")[2]
        groups[_above_derivatives(names[path]), of_acquisition, suffix].append(path)
    kept = {key: min(group, key=lambda path: _rank(names[path])) for key, group in groups.items()}
    return {path: kept[key] for key, group in groups.items() for path in group if path != kept[key]}


def _above_derivatives(name: PurePosixPath) -> tuple[str, ...]:
    """Folders that tell data sets apart: those above `derivatives`, else above the subject's folder."""
    folders = name.parts[:-1]
    ends = [index for index, part in enumerate(folders) if part == "derivatives" or part.startswith("sub-")]
    return folders[: ends[0]] if ends else folders


def _rank(name: PurePosixPath) -> tuple[object, ...]:
    entities = entities_of(name.name)
    versions = _OF_A_VERSION & set(entities)
    return "space" in versions, len(versions), entities.get("desc") != "preproc", str(name)
