"""What the laws cite, passage by passage, each pinned by its hash."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

UNPINNED = "measured here"
"""Reference of a source that is a test of this repository and needs no passage."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A paper, repository or review.

    Attributes:
        reference: how laws name it.
        title: its title.
        authors: who wrote it.
        year: of its first version.
        file_sha256: of the file it was read in, empty where there is none.
    """

    reference: str
    title: str
    authors: str
    year: int
    file_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One place of a document.

    Attributes:
        reference: of the document.
        place: section, equation, table or line, as laws cite it.
        kind: `equation`, `quote`, `fact` (in our words) or `code` (in our words; the lines are hashed, not copied).
        text: what stands there.
        sha256: of `text`; for code, of the lines at the commit.
        confirmed: how it was checked.
        repository: where the file lies, where `reference` does not say it.
        path: file in the repository.
        lines: line numbers in the file.
        commit: version of the repository.
    """

    reference: str
    place: str
    kind: str
    text: str
    sha256: str
    confirmed: str
    repository: str = ""
    path: str = ""
    lines: str = ""
    commit: str = ""

    @property
    def intact(self) -> bool:
        """Whether the text is the one that was pinned; lines of code are pinned where they lie."""
        if self.kind == "code":
            return bool(self.path and self.lines and len(self.commit) == 40 and len(self.sha256) == 64)
        return hashlib.sha256(self.text.encode()).hexdigest() == self.sha256


@cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(files("neuromf_spec").joinpath("sources.toml").read_text(encoding="utf-8"))


def documents() -> dict[str, Document]:
    """Every document by its reference."""
    return {entry["reference"]: Document(**entry) for entry in _tables()["document"]}


def passages() -> dict[tuple[str, str], Passage]:
    """Every passage by (reference, place).

    Raises:
        ValueError: a place is pinned twice.
    """
    found = {(entry["reference"], entry["place"]): Passage(**entry) for entry in _tables()["passage"]}
    if len(found) < len(_tables()["passage"]):
        raise ValueError("a place is pinned twice in sources.toml")
    return found
