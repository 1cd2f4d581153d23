"""From a recipe's name or YAML files and `--set` overrides to one checked configuration."""

from __future__ import annotations

import difflib
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neuromf.config.layers import expand, merge
from neuromf.config.refused import refused_option
from neuromf.config.resolve import flatten
from neuromf.config.schema import Config
from neuromf.config.yaml_file import parse_yaml
from neuromf.errors import InputError

_PLAIN = (str, int, float, list, type(None))


def load_config(layers: Iterable[str | Path], overrides: Iterable[str] = (), *, anchored: bool = True) -> Config:
    """Merge `layers` from left to right, then `overrides`, and check the result.

    Args:
        layers: names of shipped recipes or paths of YAML files.
        overrides: `section.key=value` with a YAML value; a relative folder counts from the current one.
        anchored: whether relative paths in a file count from that file; not so in the record of a run.

    Raises:
        InputError: an unknown recipe, unreadable file, unknown key, wrong type or value out of range.
    """
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for layer in layers:
        for part in expand(layer, anchored=anchored):
            merge(merged, part.tree, part.name, origin)
    for override in overrides:
        merge(merged, _parse_override(override), "--set", origin)
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
        raise _as_input_error(error, origin or {}) from error


def _parse_override(override: str) -> dict[str, Any]:
    path, separator, value = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise InputError(f"'{override}' is not an override", remedy="write section.key=value", file="--set")
    tree: Any = parse_yaml(value, file="--set", key=path.strip())
    if path.strip() == "data.root" and isinstance(tree, str):
        tree = os.path.abspath(tree)
    for key in reversed(keys):
        tree = {key: tree}
    return dict(tree)


def _as_input_error(error: ValidationError, origin: dict[str, str]) -> InputError:
    first = error.errors()[0]
    keys = [part for part in first["loc"] if isinstance(part, str) and part in _all_keys() | set(_path_keys(first))]
    path = ".".join(keys)
    value = first.get("input")
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    problem, remedy = _explain(first["type"], first["msg"], value, path)
    if not path and "." in problem.split()[0]:  # a rule between sections starts with the key it is about
        path, problem = problem.split(maxsplit=1)
    file = origin.get(path) or next((origin[p] for p in _parents(path) if p in origin), None)
    return InputError(problem + more, remedy=remedy, file=file, key=path or None)


def _path_keys(detail: Any) -> list[str]:  # noqa: ANN401
    return [part for part in detail["loc"][:2] if isinstance(part, str)]


def _all_keys() -> set[str]:
    return {key for section in Config.model_fields.values() for key in getattr(section.annotation, "model_fields", {})}


def _parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


def _explain(kind: str, message: str, value: Any, path: str) -> tuple[str, str]:  # noqa: ANN401
    if kind == "extra_forbidden":
        leaf = path.rsplit(".", 1)[-1]
        if refused := refused_option(leaf):
            return refused.reason, refused.remedy
        known = _all_keys() | set(Config.model_fields)
        near = difflib.get_close_matches(leaf, known, n=1)
        return "unknown key", f"did you mean '{near[0]}'" if near else "remove it or check the section it stands in"
    if isinstance(value, str) and _is_number_text(value):
        return f"'{value}' is text to YAML", f"write {_as_number(value, whole=kind.startswith('int'))} without quotes"
    if kind == "json_invalid":
        return "the nesting is too deep", "write section.key: value"
    if kind == "value_error":
        return message.removeprefix("Value error, "), "change one of the two"
    shown = json.dumps(value) if not isinstance(value, dict) else "a section"
    return f"{shown} is not allowed here", message[0].lower() + message[1:].rstrip(".")


def _as_number(text: str, *, whole: bool) -> str:
    """The number as YAML wants it: an integer for an integer, else with a point where there is an exponent."""
    number = float(text)
    if whole and number == int(number):
        return str(int(number))
    return text if "." in text or "e" not in text.lower() else f"{number:.1e}"


def _is_number_text(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
