"""Which public codes have an adapter, and what was found in them and checked by hand."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ADAPTERS = FOLDER / "adapters"


@dataclass(frozen=True, kw_only=True)
class Code:
    """A public code.

    Attributes:
        repository: `OWNER/NAME`.
        about: what it makes, in a few words.
        library: `torch` or `jax`.
        adapter: file in `adapters`.
        classes: of that file.
    """

    repository: str
    about: str
    library: str
    adapter: str
    classes: tuple[str, ...]

    def names(self) -> list[str]:
        """Its adapters, `file.py:Class` in `adapters`: by these verdicts and findings are kept."""
        return [f"{self.adapter}:{name}" for name in self.classes]


@dataclass(frozen=True, kw_only=True)
class ReadFinding:
    """What a reader of the code found at a verdict that is not `holds`.

    Attributes:
        target: `adapter.py:Class`.
        key: law and fact.
        status: that was seen.
        place: file and lines.
        checked: date.
        told: in a sentence, what the lines do and whether it matters.
    """

    target: str
    key: str
    status: str
    place: str
    checked: str
    told: str


def codes(folder: Path = FOLDER) -> list[Code]:
    """All codes, in the order of the table."""
    found = tomllib.loads((folder / "codes.toml").read_text(encoding="utf-8"))["code"]
    return [Code(**{**entry, "classes": tuple(entry["classes"])}) for entry in found]


def findings(folder: Path = FOLDER) -> list[ReadFinding]:
    """All that was checked by hand."""
    return [
        ReadFinding(**entry)
        for entry in tomllib.loads((folder / "findings.toml").read_text(encoding="utf-8"))["finding"]
    ]
