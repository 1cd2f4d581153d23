"""YAML read strictly: no duplicate keys, a mapping at the top, one clear sentence when it is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from neuromf.config.plain_scalars import misread_scalars
from neuromf.errors import InputError

DEEPEST, LARGEST = 32, 100_000
"""Levels of a document, and values with every alias written out. The C loader overflows its stack at 200,000 levels,
and nine lines of ten aliases each fill any memory."""

MERGE = "tag:yaml.org,2002:merge"

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_Loader):  # type: ignore[misc]  # the C loader is only known at run time
    """Safe loader that refuses a mapping with the same key twice."""


def _construct_mapping(loader: Any, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ANN401
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == MERGE:  # brings in another mapping's keys, beneath those that stand here
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not text", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key '{key}' is given twice", key_node.start_mark)
        seen.add(key)
    return dict(yaml.constructor.SafeConstructor.construct_mapping(loader, node, deep))


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def parse_yaml(text: str, *, file: Path | str, key: str = "") -> Any:  # noqa: ANN401
    """Parse YAML text.

    Args:
        text: one document.
        file: named in an error.
        key: dotted path under which the document stands, named in an error.

    Raises:
        InputError: the text is not YAML, a mapping holds a key twice, a plain value is not to YAML what it looks like,
            or the document is too large to be a configuration.
    """
    try:
        _refuse_outsized(text)
        return _construct(text, file, key)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise InputError(f"{error.problem}{where}", remedy="write valid YAML with each key once", file=file) from error
    # A wrong explicit tag, such as !!bool abc, escapes from PyYAML as whatever its converter stumbled over.
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = str(error).splitlines()[0] if str(error) else "nesting is too deep"
        raise InputError(f"not readable as YAML ({problem})", remedy="write valid YAML", file=file) from error


def _construct(text: str, file: Path | str, key: str) -> Any:  # noqa: ANN401
    loader = _UniqueKeyLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        for found in misread_scalars(node, loader.construct_object, key):
            raise InputError(found.problem, remedy=found.remedy, file=file, key=found.key or None)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_outsized(text: str) -> None:
    """Count levels and values in the stream of events, before anything is built from them."""
    sizes: dict[str | None, int] = {}
    levels: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=_Loader):
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
