"""From a recipe's name or YAML files and `--set` overrides to one checked configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neuromf.config.layers import ANCHORED, layer_chain, merge
from neuromf.config.resolve import flatten
from neuromf.config.schema import Config
from neuromf.config.schema_errors import as_input_error
from neuromf.config.yaml_file import parse_yaml
from neuromf.errors import InputError

_PLAIN = (str, int, float, list, type(None))


def load_config(
    layers: str | Path | Iterable[str | Path], overrides: str | Iterable[str] = (), *, anchored: bool = True
) -> Config:
    """Merge `layers` from left to right, then `overrides`, and check the result.

    Args:
        layers: names of shipped recipes or paths of YAML files; one may stand without a list.
        overrides: `section.key=value` with a YAML value; a relative folder counts from the current one.
        anchored: whether relative paths in a file count from that file; not so in the record of a run.

    Raises:
        InputError: an unknown recipe, unreadable file, unknown key, wrong type or value out of range.
    """
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for layer in [layers] if isinstance(layers, str | Path) else layers:
        for link in layer_chain(str(layer), anchored=anchored):
            merge(merged, link.settings, link.name, origin)
    for override in [overrides] if isinstance(overrides, str) else overrides:
        merge(merged, parse_override(override), "--set", origin)
    return validate(merged, origin)


def validate(tree: dict[str, Any], origin: dict[str, str] | None = None) -> Config:
    """Check a nested mapping against the schema; `origin` maps a dotted path to the file it came from."""
    try:
        text = json.dumps(tree)
    except (TypeError, ValueError, RecursionError) as error:
        path, value = next(((p, v) for p, v in flatten(tree) if not isinstance(v, _PLAIN)), ("", error))
        problem = f"{value} is a {type(value).__name__} to YAML"
        remedy = "use numbers, quoted text, lists and null"
        raise InputError(problem, remedy=remedy, file=(origin or {}).get(path), key=path or None) from error
    try:
        return Config.model_validate_json(text)
    except ValidationError as error:
        raise as_input_error(error, origin or {}) from error


def parse_override(override: str) -> dict[str, Any]:
    """Nested mappings of one `section.key=value`.

    Raises:
        InputError: it has another form, or its value is not YAML.
    """
    path, separator, value = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise InputError(f"'{override}' is not an override", remedy="write section.key=value", file="--set")
    tree: Any = parse_yaml(value, file="--set", key=".".join(keys))
    if tuple(keys) in ANCHORED and isinstance(tree, str):
        tree = os.path.abspath(tree)
    for key in reversed(keys):
        tree = {key: tree}
    return dict(tree)
