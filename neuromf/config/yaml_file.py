"""YAML read strictly: each key once, a mapping at the top, one clear sentence when it is broken."""

from __future__ import annotations

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
    try:
        _refuse_outsized(text)
        node = yaml.compose(text, Loader=_Loader)
        return None if node is None else build(node, key)
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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text ({error})", remedy="give a readable YAML file", file=path) from error
    document = parse_yaml(text, file=path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(
            f"holds a {type(document).__name__} at its top level", remedy="write `section:` mappings", file=path
        )
    return document
