"""YAML read strictly: each key once, a mapping at the top, one clear sentence when it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from neuromf.config.yaml_nodes import ScalarError, build, default_tag
from neuromf.errors import InputError

DEEPEST, LARGEST = 32, 100_000
"""Levels of a document, and values with every alias written out. The C loader overflows its stack at 200,000 levels,
and nine lines of ten aliases each fill any memory."""

_Base: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # the C loader is only known at run time
    """Leaves scalars as the text they are, with what tells a quoted one from a plain one."""

    def resolve(self, kind: type[yaml.Node], _value: object, implicit: tuple[bool, bool] | bool) -> str:
        """The tag of a node that names none."""
        return default_tag(kind, plain=isinstance(implicit, tuple) and implicit[0])


def parse_yaml(text: str, *, file: Path | str, key: str = "") -> Any:  # noqa: ANN401
    """Parse YAML text.

    Args:
        text: one document.
        file: named in the error.
        key: dotted path of the key that the document is the value of; empty for a whole file.

    Raises:
        InputError: the text is not YAML, a mapping holds a key twice, a scalar is read otherwise by another reader of
            YAML, or it is too large to be a configuration.
    """
    with refusing(file):
        node = _compose(text)
        return None if node is None else build(node, key)


def compose_yaml(text: str, *, file: Path | str) -> yaml.Node | None:
    """The nodes of a document, each with its line; None of an empty one.

    Raises:
        InputError: the text is not YAML, or too large to be a configuration.
    """
    with refusing(file):
        return _compose(text)


def _compose(text: str) -> yaml.Node | None:
    _refuse_outsized(text)
    return yaml.compose(text, Loader=_Loader)


@contextmanager
def refusing(file: Path | str) -> Iterator[None]:
    """Turn what is wrong with a document in the block into a sentence that names the file."""
    try:
        yield
    except ScalarError as error:
        raise InputError(error.problem, remedy=error.remedy, file=file, key=error.path or None) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise InputError(f"{error.problem}{where}", remedy="write valid YAML with each key once", file=file) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = str(error).splitlines()[0] if str(error) else "nesting is too deep"
        raise InputError(f"not readable as YAML ({problem})", remedy="write valid YAML", file=file) from error


def _refuse_outsized(text: str) -> None:
    """Count levels and values in the stream of events, before anything is built from them."""
    sizes: dict[str | None, int] = {}
    levels: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=_Base):
        size = 0
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append((event.anchor, 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = levels.pop()
            sizes[anchor] = size
        elif isinstance(event, yaml.NodeEvent):
            size = sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
        levels[-1] = (levels[-1][0], levels[-1][1] + size)
        if len(levels) > DEEPEST:
            raise ValueError(f"nesting beyond {DEEPEST} levels")
        if levels[-1][1] > LARGEST:
            raise ValueError(f"more than {LARGEST:,} values")


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        InputError: the file is missing, not UTF-8, not YAML, or not a mapping.
    """
    document = parse_yaml(read_text(path), file=path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(
            f"holds a {type(document).__name__} at its top level", remedy="write `section:` mappings", file=path
        )
    return document


def read_text(path: Path) -> str:
    """Text of a file.

    Raises:
        InputError: it is missing, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text ({error})", remedy="give a readable YAML file", file=path) from error
