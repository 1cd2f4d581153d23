"""Which rule reads whose scan a file is: every known one, that of a single layout, or a pattern of the user's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from neuromf.data.subjects import Whose, by_bids, by_file_name, by_scheme, whose
from neuromf.errors import InputError

LAYOUTS = ("auto", "bids", "fomo", "ixi", "oasis", "flat")
_SCHEMES = {"fomo": "names of FOMO-60K", "ixi": "names of IXI", "oasis": "names of OASIS-"}
GROUPS = ("subject", "session", "dataset", "group", "modality")
"""Named groups that a pattern may have; the first it must have."""


@dataclass(frozen=True)
class Naming:
    """How names are read.

    Attributes:
        layout: one of `LAYOUTS`; `auto` tries BIDS, then every published scheme, then a guess from names and folders.
        pattern: regular expression that is searched in the path below the root, with the ending, `/` between folders.
            Its named groups are those of `GROUPS`. Where it is given, nothing else is tried.
    """

    layout: str = "auto"
    pattern: str = ""

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            names = ", ".join(LAYOUTS)
            raise InputError(f"there is no layout {self.layout!r}", remedy=f"name one of {names}", key="--layout")
        if self.pattern:
            _check_pattern(self.pattern)

    @property
    def rule(self) -> str:
        """What a file that is not read breaks, in words."""
        return "it does not match the pattern" if self.pattern else f"its name is none of the layout {self.layout}"

    def read(self, name: PurePosixPath, file: PurePosixPath) -> Whose | None:
        """Whose scan a file is; None where the rule does not apply to it.

        Args:
            name: below the root, without the ending.
            file: the same with the ending.
        """
        if self.pattern:
            return _by_pattern(self.pattern, file)
        if self.layout in _SCHEMES:
            found = by_scheme(name)
            return found if found is not None and found.how.startswith(_SCHEMES[self.layout]) else None
        if self.layout == "bids":
            return by_bids(name)
        return by_file_name(name) if self.layout == "flat" else whose(name)


def _check_pattern(pattern: str) -> None:
    try:
        groups = set(re.compile(pattern).groupindex)
    except re.error as error:
        remedy = "write a regular expression such as '(?P<subject>p[0-9]+)_v(?P<session>[0-9])'"
        raise InputError(f"is no regular expression ({error})", remedy=remedy, key="--pattern") from error
    if "subject" not in groups:
        remedy = "name the part that is a person: (?P<subject>...)"
        raise InputError("the pattern has no group named subject", remedy=remedy, key="--pattern")
    if unknown := sorted(groups - set(GROUPS)):
        remedy = f"use {', '.join(GROUPS)}"
        raise InputError(f"the pattern has a group named {unknown[0]!r}", remedy=remedy, key="--pattern")


def _by_pattern(pattern: str, file: PurePosixPath) -> Whose | None:
    found = re.search(pattern, str(file))
    if found is None or not found.group("subject"):
        return None
    parts = {name: found.groupdict().get(name) or "" for name in GROUPS}
    in_name = found.start("subject") >= len(str(file)) - len(file.name)
    return Whose(
        parts["subject"], parts["session"], parts["dataset"], "the pattern", in_name,
        group=parts["group"], modality=parts["modality"],
    )  # fmt: skip
