"""Which rows of a table are asked for: conditions on its columns, those of participants.tsv among them."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from neuromf.errors import InputError

MISSING = frozenset({"", "n/a", "na", "nan", "none", "null"})
"""How tables say that a value is not known; a condition names it as n/a."""
_CONDITION = re.compile(r"^\s*([^=!<>]+?)\s*(!=|>=|<=|=|>|<)\s*(.*?)\s*$")
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        column: of the table.
        sign: =, !=, >=, <=, > or <.
        value: what the column is compared with; = and != take several, separated by commas.
    """

    column: str
    sign: str
    value: str

    def reason(self, row: Mapping[str, str]) -> str:
        """Why a row is left out, "" where it is asked for."""
        found = row.get(self.column, "")
        if self.sign in _ORDERS:
            number = _number(found)
            if math.isnan(number):
                return f"not asked for: its {self.column} is not known"
            holds = _ORDERS[self.sign](number, float(self.value))
        else:
            listed = {_plain(value) for value in self.value.split(",")}
            holds = (_plain(found) in listed) == (self.sign == "=")
        return "" if holds else f"not asked for: {self.column}{self.sign}{self.value}"


def parse_condition(text: str, columns: Sequence[str]) -> Condition:
    """Read `column=value`, `column!=value`, or a comparison of numbers as `age>=18`.

    Args:
        text: the condition.
        columns: those that the table has.

    Raises:
        InputError: it is none, or on no column of the table.
    """
    found = _CONDITION.match(text)
    if found is None:
        remedy = "write column=value, column!=value, or a comparison such as age>=18"
        raise InputError(f"{text!r} is no condition", remedy=remedy, key="--where")
    name, sign, value = found.groups()
    column = next((one for one in columns if one.lower() == name.lower()), None)
    if column is None:
        raise InputError(f"there is no column {name!r}", remedy=f"name one of {', '.join(columns)}", key="--where")
    if sign in _ORDERS and math.isnan(_number(value)):
        raise InputError(f"{value!r} is no number to compare {name} with", remedy="write a number", key="--where")
    return Condition(column, sign, value)


def _plain(text: str) -> str:
    plain = text.strip().lower()
    return "n/a" if plain in MISSING else plain


def _number(text: str) -> float:
    """A number, NaN where the text is none; 89+ as some tables write the oldest is 89."""
    try:
        return float(text.strip().removesuffix("+"))
    except ValueError:
        return math.nan
