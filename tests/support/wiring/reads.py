"""Which function reads which setting, and what changes when it alone reads another value.

A key with two consumers passes a test that changes the key, even with one of them cut. Here each place that reads is
told another value while all others read the configuration's own: what it decides must change, and nothing else.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from unittest import mock

import neuromf
from neuromf.config import derived, schema
from neuromf.data.preprocess import Preprocessing
from neuromf.errors import InputError
from neuromf.flow.settings import ObjectiveSettings, TimeSettings

PACKAGE = Path(neuromf.__file__).parent
WATCHED: dict[type, str] = {
    **{type(getattr(schema.Config(), name)): name for name in schema.Config.model_fields},
    ObjectiveSettings: "objective",
    TimeSettings: "times",
    Preprocessing: "preprocessing",
    derived.RunFacts: "facts",
}
"""Sections of a configuration, and what is derived from one and handed on in its place."""
CHECKS_ALONE = "__post_init__"
"""A function that reads only to refuse; its bounds have tests of their own."""


@dataclass(frozen=True, order=True)
class Read:
    """One setting, by section and name, at one place: module, function and, where it reads it again, a number."""

    key: str
    place: str

    def __str__(self) -> str:
        return f"{self.key} {self.place}"


Observed = dict[str, object]
"""What a scenario showed, by name; compared by its text."""


def _names(kind: type) -> frozenset[str]:
    known = getattr(kind, "model_fields", None)
    return frozenset(known if known is not None else (field.name for field in fields(kind)))


NAMES = {kind: _names(kind) for kind in WATCHED}


@contextmanager
def watched(swapped: Read | None = None, value: object = None) -> Iterator[set[Read]]:
    """Note every read by the package's own functions in the block; one of them may be given another value."""
    reads: set[Read] = set()

    def read(instance: object, name: str) -> Any:
        found = object.__getattribute__(instance, name)
        kind = type(instance)
        if name not in NAMES[kind]:
            return found
        place = _reader(sys._getframe(1), name)
        if place is None:
            return found
        here = Read(f"{WATCHED[kind]}.{name}", place)
        reads.add(here)
        return value if here == swapped else found

    with ExitStack() as stack:
        for kind in WATCHED:
            stack.enter_context(mock.patch.object(kind, "__getattribute__", read))
        yield reads


def _reader(frame: FrameType | None, name: str) -> str | None:
    """The function that reads; of a property of the schema whoever asks for it. None outside the package."""
    while frame is not None and frame.f_code.co_filename == schema.__file__:
        frame = frame.f_back
    return None if frame is None else _place(frame.f_code, frame.f_lasti, name)


@cache
def _place(code: CodeType, instruction: int, name: str) -> str | None:
    path = Path(code.co_filename)
    if code.co_name == CHECKS_ALONE or not path.is_relative_to(PACKAGE):
        return None
    position = next(itertools.islice(code.co_positions(), instruction // 2, None))
    number = _numbers(path).get((name, position), 1)
    module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    return f"{module}:{_function(code.co_qualname)}" + (f"#{number}" if number > 1 else "")


def _function(qualified: str) -> str:
    """A comprehension is a function of its own in Python 3.11 and part of its function in 3.12."""
    return re.sub(r"\.<locals>\.<\w+>", "", qualified)


@cache
def _numbers(path: Path) -> dict[tuple[str, tuple[int | None, ...]], int]:
    """Of each attribute in a file, by name and position, its number among those of its name in its function."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, tuple[int | None, ...]], int] = {}

    def visit(node: ast.AST, function: str) -> None:
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, ast.FunctionDef | ast.ClassDef)
            visit(child, f"{function}.{child.name}" if named else function)
        if isinstance(node, ast.Attribute):
            counts[function, node.attr] += 1
            position = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
            found[node.attr, position] = counts[function, node.attr]

    visit(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def observe(scenario: Callable[[], Observed]) -> dict[str, str]:
    """What a scenario showed as text; an error is what it showed."""
    try:
        return {name: repr(value) for name, value in scenario().items()}
    except (InputError, ValueError, TypeError, RuntimeError, LookupError, AttributeError, AssertionError, OSError):
        return {"error": "an error"}


def effects(scenario: Callable[[], Observed], read: Read, value: object, base: Mapping[str, str]) -> list[str]:
    """Names of what changes when one place reads another value; `error` where it ends the scenario."""
    with watched(read, value):
        found = observe(scenario)
    if "error" in found:
        return ["error"]
    return sorted(name for name in base.keys() | found.keys() if base.get(name) != found.get(name))


def functions_that_read() -> set[str]:
    """Functions of the package, as module:name, in which a section of a `config` is named."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(map(_names_a_section, ast.walk(node))):
                found.add(f"{module}:{node.name}")
    return found


def _names_a_section(node: ast.AST) -> bool:
    named = isinstance(node, ast.Attribute) and node.attr in schema.Config.model_fields
    return named and "config" in ast.unparse(node.value)  # type: ignore[attr-defined]
