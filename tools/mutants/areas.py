"""The product's folders and the tests that each is held to, read from `areas.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from neuromf.errors import InputError

NAME = "areas.toml"


@dataclass(frozen=True)
class Area:
    """A folder of the product.

    Attributes:
        name: of the folder below `neuromf`.
        tests: pytest selection that runs in one process with every change: of it, the tests that call what is changed.
        further: tests that a change meets only where the former all pass, in a process of its own.
        left_out: tests, or files of them, that cannot be asked; `areas.toml` says which.
        count: how many changes are drawn, unless another number is asked for.
    """

    name: str
    tests: tuple[str, ...]
    further: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    count: int = 40


def areas() -> dict[str, Area]:
    """Every area by name."""
    document = tomllib.loads(resources.files(__package__).joinpath(NAME).read_text(encoding="utf-8"))
    return {name: Area(name, **_row(row)) for name, row in document.items()}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def select(names: Iterable[str]) -> tuple[Area, ...]:
    """Areas with these names, all of them when none is named.

    Raises:
        InputError: no area has one of the names.
    """
    known, wanted = areas(), list(names)
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean '{near[0]}'" if near else f"the areas are {', '.join(known)}"
            raise InputError(f"no area has the name '{name}'", remedy=remedy)
    return tuple(area for area in known.values() if not wanted or area.name in wanted)
