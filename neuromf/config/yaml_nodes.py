"""From the nodes of a YAML document to plain Python: scalars read strictly, each key once, merge keys resolved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from neuromf.config.scalars import AmbiguousScalarError, read_plain

PLAIN = "tag:yaml.org,2002:plain"
"""Stands in our loader for a scalar without quotes and without a tag."""
MERGE = "<<"
_STRING, _LIST, _MAPPING = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))
_TYPED: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
}


class ScalarError(Exception):
    """A scalar that is refused, and the dotted path of the key it stands under."""

    def __init__(self, path: str, error: AmbiguousScalarError) -> None:
        super().__init__(path)
        self.path, self.problem, self.remedy = path, error.problem, error.remedy


def default_tag(kind: type[yaml.Node], plain: bool) -> str:
    """The tag of a node that names none: no scalar is resolved before `build` reads it."""
    if kind is yaml.ScalarNode:
        return PLAIN if plain else _STRING
    return _LIST if kind is yaml.SequenceNode else _MAPPING


def build(node: yaml.Node, path: str = "", within: frozenset[int] = frozenset()) -> Any:  # noqa: ANN401
    """The value of a node, shared with no other node's.

    Args:
        node: of a document composed with `default_tag`.
        path: of the keys above it, dotted.
        within: identities of the nodes above it.

    Raises:
        ScalarError: a scalar that readers of YAML do not agree on.
        yaml.MarkedYAMLError: a key twice, or no text; a senseless merge; a tag beyond those of JSON's types.
    """
    if id(node) in within:
        raise _error("an alias stands for something that holds it", node)
    within = within | {id(node)}
    if isinstance(node, yaml.MappingNode) and node.tag == _MAPPING:
        return _build_mapping(node, path, within)
    if isinstance(node, yaml.SequenceNode) and node.tag == _LIST:
        return [build(item, path, within) for item in node.value]
    if isinstance(node, yaml.ScalarNode) and node.tag in (PLAIN, _STRING, *_TYPED):
        return _build_scalar(node, path)
    raise _error(f"the tag {node.tag!r} is not for this place", node)


def _build_scalar(node: yaml.ScalarNode, path: str) -> Any:  # noqa: ANN401
    if node.tag == _STRING:
        return node.value
    try:
        value = read_plain(node.value)
    except AmbiguousScalarError as error:
        raise ScalarError(path, error) from error
    if node.tag == PLAIN:
        return value
    if type(value) not in _TYPED[node.tag]:
        raise _error(f"{node.value!r} does not fit its tag {node.tag!r}", node)
    return float(value) if node.tag.endswith("float") else value  # type: ignore[arg-type]  # a number, as just seen


def _build_mapping(node: yaml.MappingNode, path: str, within: frozenset[int]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = build(key_node, path, within)
        if not isinstance(key, str):
            raise _error(f"key {key!r} is not text", key_node)
        if key in seen:
            raise _error(f"key '{key}' is given twice", key_node)
        seen.add(key)
        if is_merge(key_node):
            for part in merged_nodes(value_node):
                merged = build(part, path, within) | merged  # of several, the first wins
        else:
            own[key] = build(value_node, f"{path}.{key}" if path else key, within)
    return merged | own


def is_merge(node: yaml.Node) -> bool:
    """Whether a key merges other mappings into its own."""
    return node.value == MERGE and node.tag == PLAIN


def merged_nodes(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """The mappings that a merge key names, in order: of two with one key the first wins.

    Raises:
        yaml.MarkedYAMLError: it names something else.
    """
    for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if not isinstance(part, yaml.MappingNode):
            raise _error("the merge key << stands before something that is no mapping", part)
        yield part


def _error(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
