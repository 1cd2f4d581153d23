"""Plain text that YAML 1.1 reads as another value than a person does: 042 is 34 to it, 1:30 is 90, `no` is false."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_PREFIX = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TRUTH = ("true", "false")


@dataclass(frozen=True)
class Misread:
    """A value that YAML would change.

    Attributes:
        key: dotted path of the key under which it stands; empty at the top.
        text: as it is written.
        value: what YAML makes of it.
        line: in which it stands, from 1.
    """

    key: str
    text: str
    value: Any
    line: int

    @property
    def problem(self) -> str:
        """What is wrong, in a clause."""
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.text} in line {self.line} is {value} to YAML"

    @property
    def remedy(self) -> str:
        """What to write."""
        if isinstance(self.value, bool):
            return f"write {str(self.value).lower()}, or put it in quotes if it is text"
        return f"write {_meant(self.text, self.value)}, or put it in quotes if it is text"


def misread_scalars(node: yaml.Node, construct: Any, key: str = "") -> Iterator[Misread]:  # noqa: ANN401
    """Plain scalars below `node` whose value is not the one that their text shows.

    Args:
        node: of a composed document that was checked for its size.
        construct: gives the value of a scalar node.
        key: path of the node.
    """
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            yield from misread_scalars(value_node, construct, f"{key}.{name}" if key else name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from misread_scalars(item, construct, key)
    elif isinstance(node, yaml.ScalarNode) and not _shows_its_value(node):
        yield Misread(key, node.value, construct(node), node.start_mark.line + 1)


def _shows_its_value(node: yaml.ScalarNode) -> bool:
    kind = node.tag.removeprefix(_PREFIX)
    if kind == "int":
        return _INTEGER.fullmatch(node.value) is not None
    if kind == "float":
        return _NUMBER.fullmatch(node.value) is not None
    return kind != "bool" or node.value.lower() in _TRUTH


def _meant(text: str, value: float) -> str:
    """The number that a person would read, where there is one."""
    digits = text.replace("_", "")
    if _NUMBER.fullmatch(digits):
        sign = "-" if digits.startswith("-") else ""
        return sign + (digits.lstrip("+-").lstrip("0") or "0")
    return f"{value} if that is meant"
