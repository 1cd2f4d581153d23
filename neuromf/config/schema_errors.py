"""What the schema refuses, as one sentence with key, file and remedy."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from neuromf.config.scalars import number_text
from neuromf.config.schema import Config
from neuromf.config.unsupported import unsupported_option
from neuromf.errors import InputError


def as_input_error(error: ValidationError, origin: Mapping[str, str]) -> InputError:
    """The first fault that the schema found.

    Args:
        error: what pydantic says.
        origin: the file that each dotted path came from.
    """
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
        if refused := unsupported_option(leaf):
            return refused.reason, refused.remedy
        known = _all_keys() | set(Config.model_fields)
        near = difflib.get_close_matches(leaf, known, n=1)
        return "unknown key", f"did you mean '{near[0]}'" if near else "remove it or check the section it stands in"
    if advice := _typed_advice(kind, value):
        return f"'{value}' is text to YAML" if isinstance(value, str) else f"{value} is not allowed here", advice
    if kind == "json_invalid":
        return "the nesting is too deep", "write section.key: value"
    if kind == "value_error":
        return message.removeprefix("Value error, "), "change one of the two"
    if kind == "missing" and isinstance(value, list):
        message = "It needs more values"
    shown = json.dumps(value) if not isinstance(value, dict) else "a section"
    return f"{shown} is not allowed here", message[0].lower() + message[1:].rstrip(".")


def _typed_advice(kind: str, value: Any) -> str:  # noqa: ANN401
    """What to write where the value is right and its type is not; empty where that is not so.

    Args:
        kind: pydantic's name of the fault, which starts with the type that the key wants.
        value: what stands there.
    """
    wanted, number = kind.partition("_")[0], _as_number(value)
    unquoted = " without quotes" if isinstance(value, str) else ""
    if wanted == "bool" and isinstance(value, str) and value.lower() in ("true", "false"):
        return f"write {value.lower()} without quotes"
    if wanted == "string" and number is not None and not isinstance(value, str):
        return "write it in quotes"
    if number is None or wanted not in ("int", "float") or (wanted == "float" and not unquoted):
        return ""
    if wanted == "int" and number != int(number):
        return "write a whole number (integer)"
    return f"write {int(number) if wanted == 'int' else number_text(number)}{unquoted}"


def _as_number(value: Any) -> float | None:  # noqa: ANN401
    """A finite number, or text that a person reads as one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    for kind in (int, float):
        try:
            number = kind(value) if isinstance(value, str) else value
        except ValueError:
            continue
        return number if math.isfinite(number) else None
    return None
