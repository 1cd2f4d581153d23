"""The faults that our tests must notice, read from `catalogue.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from neuromf.errors import InputError

NAME = "catalogue.toml"
_REMEDY = "correct this row of tools/faults/catalogue.toml"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One change of one file that makes the code wrong.

    Attributes:
        id: short name.
        title: what is wrong then.
        origins: where the fault was met: a survivor of the public code's suite, one of its defects, an operator.
        file: file that is changed, from the root of the checkout.
        find: text of that file, standing in it once.
        replace: what takes its place.
        tests: the smallest pytest selection that must fail.
        law: id of the law that the failing test names; empty when the fault breaks none.
    """

    id: str
    title: str
    origins: tuple[str, ...]
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    law: str


@dataclass(frozen=True, kw_only=True)
class Absent:
    """Known faults that cannot be put into this code, and why."""

    origins: tuple[str, ...]
    reason: str


def parse_catalogue(text: str) -> tuple[tuple[Fault, ...], tuple[Absent, ...]]:
    """Faults and absent faults of a catalogue's text.

    Raises:
        InputError: the text is not TOML, a row has a missing, foreign or wrong key, or an id is used twice.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not TOML ({error})", remedy="correct it", file=NAME) from error
    if foreign := sorted(set(document) - {"fault", "absent"}):
        raise InputError(f"unknown table '{foreign[0]}'", remedy="use [[fault]] and [[absent]]", file=NAME)
    faults = tuple(Fault(**_row(row, Fault)) for row in document.get("fault", []))
    absent = tuple(Absent(**_row(row, Absent)) for row in document.get("absent", []))
    ids = [fault.id for fault in faults]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise InputError("the id is used twice", remedy=_REMEDY, file=NAME, key=twice)
    return faults, absent


def _row(row: dict[str, Any], kind: type[Fault] | type[Absent]) -> dict[str, Any]:
    """One table with lists as tuples, once its keys and types are those of `kind`."""
    types = {name: tuple if "tuple" in hint else str for name, hint in kind.__annotations__.items()}
    where = str(row.get("id", "[[absent]]" if kind is Absent else "[[fault]]"))
    if wrong := sorted(set(row) ^ set(types)):
        problem = f"the key '{wrong[0]}' is {'unknown' if wrong[0] in row else 'missing'}"
        raise InputError(problem, remedy=_REMEDY, file=NAME, key=where)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    for name, value in values.items():
        texts = value if isinstance(value, tuple) else (value,)
        if not isinstance(value, types[name]) or not texts or not all(isinstance(text, str) for text in texts):
            wanted = "a list of texts" if types[name] is tuple else "a text"
            raise InputError(f"'{name}' is {value!r}, not {wanted}", remedy=_REMEDY, file=NAME, key=where)
    return values


@cache
def _read() -> tuple[tuple[Fault, ...], tuple[Absent, ...]]:
    return parse_catalogue(resources.files(__package__).joinpath(NAME).read_text(encoding="utf-8"))


def faults() -> tuple[Fault, ...]:
    """Every fault, in the order of the file."""
    return _read()[0]


def absent() -> tuple[Absent, ...]:
    """What has no place in this code."""
    return _read()[1]


def select(ids: Iterable[str]) -> tuple[Fault, ...]:
    """Faults with these ids, all of them when none is named.

    Raises:
        InputError: no fault has one of the ids.
    """
    wanted = list(ids)
    known = [fault.id for fault in faults()]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean '{near[0]}'" if near else "`python -m tools faults list` names them all"
            raise InputError(f"no fault has the id '{name}'", remedy=remedy)
    return tuple(fault for fault in faults() if not wanted or fault.id in wanted)
