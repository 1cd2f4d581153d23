"""The line of a YAML file on which each key stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from neuromf.config.yaml_file import compose_yaml, read_text, refusing
from neuromf.config.yaml_nodes import is_merge, merged_nodes


def key_lines(path: Path) -> dict[str, int]:
    """Line of each key and section, counted from 1, by dotted path.

    What an alias or a merge key brings stands where it is written, and not where it is brought to.

    Raises:
        InputError: the file cannot be read, or is no YAML.
    """
    with refusing(path):
        return dict(_lines(compose_yaml(read_text(path), file=path), "", frozenset()))


def _lines(node: yaml.Node | None, prefix: str, within: frozenset[int]) -> Iterator[tuple[str, int]]:
    """Key and line, merged ones first: of a key that is yielded twice the last line counts, as the last value does.

    A node that an alias puts into itself, which no configuration may hold, is not followed there.
    """
    if not isinstance(node, yaml.MappingNode) or id(node) in within:
        return
    within = within | {id(node)}
    for key, value in node.value:
        if is_merge(key):
            for part in reversed(list(merged_nodes(value))):
                yield from _lines(part, prefix, within)
    for key, value in node.value:
        if not is_merge(key):
            path = f"{prefix}{key.value}"
            yield path, key.start_mark.line + 1
            yield from _lines(value, f"{path}.", within)
