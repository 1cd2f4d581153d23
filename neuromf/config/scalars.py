"""One word of YAML as a value, where all readers of YAML agree on it; and a value as such a word.

PyYAML reads YAML 1.1, in which 042 is 34 (octal), 1:30 is 90 (base 60), `on` is true and 1e-4 is text. YAML 1.2, JSON
and people read otherwise. What they do not all read alike is refused, so that no number is trained with that nobody
wrote. The words of YAML 1.2 are those of its core schema (YAML 1.2.2, section 10.3.2).
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from datetime import date

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

Scalar = bool | int | float | str | None

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_QUOTES = "or put it in quotes where text is meant"


class AmbiguousScalarError(ValueError):
    """A word that is no value: what is wrong with it, and what to write instead."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def read_plain(text: str) -> Scalar:
    """The value of a word without quotes.

    Raises:
        AmbiguousScalarError: YAML 1.1 and 1.2 read it as two different things, it is not decimal, or no float holds it.
    """
    shown = textwrap.shorten(text, 60, placeholder="...") if len(text) <= 200 else f"{text[:20]}..."
    try:
        old, new = _yaml_1_1(text), _yaml_1_2(text)
    except ValueError as error:  # Python reads no integer beyond 4,300 digits
        raise AmbiguousScalarError(f"{shown} has too many digits", "write a number of usual size") from error
    if any(isinstance(value, float) and not math.isfinite(value) for value in (old, new)):
        raise AmbiguousScalarError(f"{shown} is no finite number", f"write a finite number, {_QUOTES}")
    if new == 0.0 and isinstance(new, float) and re.match(r"[-+.0]*[1-9]", text):
        raise AmbiguousScalarError(f"{shown} is 0 to a computer", f"write 0, or a number above 1.0e-300, {_QUOTES}")
    if (type(old), old) != (type(new), new):
        problem = f"{shown} is {_described(old)} to YAML 1.1 and {_described(new)} to YAML 1.2"
        raise AmbiguousScalarError(problem, _advice(new, old))
    if _OTHER_BASE.fullmatch(text.lstrip("+-").lower()):
        raise AmbiguousScalarError(f"{shown} is {_described(new)} to YAML and text to JSON", _advice(new))
    return new


def scalar_text(value: object) -> str:
    """A value, or a list of them, as every reader of YAML reads it: JSON, but for two things.

    YAML 1.1 wants a point in a number with an exponent, and its readers refuse the halves in which JSON escapes a
    character beyond 16 bits.
    """
    text = json.dumps(value)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e", 1)
    return re.sub(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}", lambda pair: str(json.loads(f'"{pair[0]}"')), text)


def number_text(value: float) -> str:
    """A number as an integer key takes it too, where it is whole and of usual size."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else scalar_text(value)


def _yaml_1_2(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _yaml_1_1(text: str) -> object:
    """What PyYAML makes of it, which may be a date."""
    tag = Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if tag.rpartition(":")[2] not in ("null", "bool", "int", "float", "timestamp"):
        return text
    try:
        return SafeConstructor().construct_object(yaml.ScalarNode(tag, text))
    except ValueError:  # 0x_ and 2020-99-99 look like a number and a date
        if _INTEGER.fullmatch(text):
            raise
        return text


def _described(value: object) -> str:
    if isinstance(value, bool | int | float):
        return number_text(value) if not isinstance(value, bool) else str(value).lower()
    return {str: "text", type(None): "null"}.get(type(value), "a date" if isinstance(value, date) else "something else")


def _advice(*readings: object) -> str:
    """What to write for each reading that is a number or a truth value."""
    written = list(dict.fromkeys(_described(value) for value in readings if isinstance(value, bool | int | float)))
    if not written:
        return "write it in quotes"
    others = f" (or {written[1]})" if written[1:] else ""
    return f"write {written[0]}{others}, {_QUOTES}"
