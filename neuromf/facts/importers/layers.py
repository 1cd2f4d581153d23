"""Layers of OmegaConf YAML, merged and interpolated, with nothing looked up outside of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuromf.config.yaml_file import DEEPEST
from neuromf.errors import InputError

REFERENCE = re.compile(r"\$\{(\.*[A-Za-z_][\w-]*(?:\.[\w-]+)*)\}")
"""A reference to another key and nothing else: no resolver such as oc.env, which would read what is in no file."""
LARGEST = 5_000
"""Values of a configuration with all references followed; that code's own has 150, and references double quickly."""
_LITERAL = "\x00"
"""Begins text that OmegaConf must leave alone; no YAML holds it."""


def merged_layers(trees: Sequence[Mapping[str, object]], path: Path) -> tuple[dict[str, object], dict[str, str]]:
    """Values by dotted key of layers, later ones over earlier ones, as OmegaConf merges them.

    A value that is one reference is followed. Text around references is put together by no fact, and a resolver would
    read the environment, a file or the clock: both are left as they are, for the caller to name.

    Args:
        trees: mappings as YAML gives them.
        path: named in errors.

    Returns:
        Values by dotted key, lists as one value, and the text of those that are not resolved.

    Raises:
        InputError: layers do not fit each other, or references lead round in a circle.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        merged = OmegaConf.merge(*(OmegaConf.create(_guarded(tree)) for tree in trees))
        values: dict[str, object] = {}
        unresolved: dict[str, str] = {}
        for count, (name, value, text) in enumerate(_leaves(merged, "", 0)):
            if count > LARGEST:
                raise InputError(f"has more than {LARGEST:,} values", remedy="write fewer references", file=path)
            if text is None:
                values[name] = value
            else:
                unresolved[name] = text
    except (OmegaConfBaseException, RecursionError) as error:
        problem = str(error).splitlines()[0] if str(error) else "references lead round in a circle"
        raise InputError(f"cannot be merged ({problem})", remedy="correct the layers", file=path) from error
    return values, unresolved


def refers_to_keys(text: str, values: Mapping[str, object], unresolved: Mapping[str, str]) -> bool:
    """Whether every reference in `text` is to a key that is there, and none is to a resolver."""
    known = all(match[1] in values or match[1] in unresolved for match in REFERENCE.finditer(text))
    return known and "${" not in REFERENCE.sub("", text)


def _guarded(value: object) -> Any:  # noqa: ANN401
    """The same value, in which text that is more than one reference is a literal to OmegaConf."""
    if isinstance(value, Mapping):
        return {key: _guarded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_guarded(item) for item in value]
    if isinstance(value, str) and ("${" in value or value == "???") and not REFERENCE.fullmatch(value):
        return _LITERAL + value.replace("$", "$" + _LITERAL).replace("???", "???" + _LITERAL)
    return value


def _leaves(node: Any, prefix: str, depth: int) -> Iterator[tuple[str, object, str | None]]:  # noqa: ANN401
    """Name and value of each leaf, or its text where it is not resolved."""
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if depth > DEEPEST:
        raise RecursionError("references lead round in a circle")
    for key in node:
        name = f"{prefix}.{key}" if prefix else str(key)
        try:
            value = node[key]
        except OmegaConfBaseException:
            raw: Any = OmegaConf.to_container(node, resolve=False)
            yield name, None, str(raw[key])
            continue
        if isinstance(value, DictConfig) and len(value):
            yield from _leaves(value, name, depth + 1)
            continue
        plain, text = _plain(value)
        yield name, plain, text


def _plain(value: Any) -> tuple[object, str | None]:  # noqa: ANN401
    """A value without references, and its text where it holds one."""
    from omegaconf import OmegaConf

    if OmegaConf.is_config(value):
        items = OmegaConf.to_container(value, resolve=False)
        text = repr(items).replace("\\x00", "")
        return items, text if "${" in text else None
    if isinstance(value, str) and _LITERAL in value:
        return None, value.replace(_LITERAL, "")
    return value, None
