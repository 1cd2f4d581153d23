"""What an importer reads of another code's configuration, and what it makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neuromf.errors import InputError
from neuromf.facts.read import SHOWN, FactsFile, checked_facts

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
"""Text that other codes turn into a number, as YAML 1.1 reads 1e-4."""


@dataclass
class Keys:
    """The keys of another code's configuration by dotted name, and which of them were read.

    Attributes:
        path: named in errors.
        values: what each key is set to.
        used: keys that were read.
    """

    path: Path
    values: Mapping[str, object]
    used: set[str] = field(default_factory=set)

    def get(self, name: str) -> object:
        """The value of a key; None where it is not there."""
        self.used.add(name)
        return self.values.get(name)

    def number(self, name: str) -> float | None:
        """A number, also where it stands in quotes, for other codes convert it.

        Raises:
            InputError: it is none.
        """
        value = self.get(name)
        if isinstance(value, str) and NUMBER.fullmatch(value):
            return float(value)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise self.wrong(name, "a number")

    def whole(self, name: str) -> int | None:
        """A whole number of at least 1.

        Raises:
            InputError: it is none.
        """
        value = self.number(name)
        if value is None:
            return None
        if not 1 <= value <= 10**15 or value != int(value):
            raise self.wrong(name, "a whole number of at least 1")
        return int(value)

    def flag(self, name: str) -> bool | None:
        """True or false.

        Raises:
            InputError: it is neither.
        """
        value = self.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(name, "true or false")

    def word(self, name: str, known: Mapping[str, str]) -> str | None:
        """What a word of that code is called here.

        Raises:
            InputError: that code knows no such word.
        """
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, str | int) or str(value) not in known:
            raise self.wrong(name, f"one of {', '.join(known)}")
        return known[str(value)]

    def wrong(self, name: str, wanted: str) -> InputError:
        """The error of a key with a value that the code does not take."""
        text = repr(self.values.get(name))
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        return InputError(f"{shown} is not {wanted}", remedy=f"give {wanted}", file=self.path, key=name)

    def left(self, irrelevant: Iterable[str]) -> list[str]:
        """Keys that were not read and are not among the irrelevant ones, in order.

        Args:
            irrelevant: names, or with a point at the end all names that begin so.
        """
        names = tuple(irrelevant)
        whole, parts = {name for name in names if name[-1] != "."}, tuple(name for name in names if name[-1] == ".")
        return [name for name in self.values if name not in self.used | whole and not name.startswith(parts)]


@dataclass
class Collected:
    """What an importer has found so far; a fact whose value is None is not known and is left out.

    Attributes:
        facts: values by the name of the fact.
        origin: where each was read.
        not_understood: keys that no fact was made from.
        notes: what a reader should know.
    """

    facts: dict[str, object] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    not_understood: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def put(self, origin: str, **facts: object) -> None:
        """Add facts of one origin."""
        for name, value in facts.items():
            if value is not None:
                self.facts[name], self.origin[name] = value, origin

    def put_none(self, origin: str, name: str) -> None:
        """Add that the run has none of something."""
        self.facts[name], self.origin[name] = None, origin

    def file(self, path: Path, name: str = "") -> FactsFile:
        """What was found, checked.

        Raises:
            InputError: a value is outside the range of its fact.
        """
        return FactsFile(
            name=name or str(path),
            facts=checked_facts(self.facts, path, self.origin),
            origin=self.origin,
            not_understood=tuple(self.not_understood),
            notes=tuple(self.notes),
        )
