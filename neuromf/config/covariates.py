"""What a network is told of a sample's subject: ages, sexes, data sets, each written as one line of text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

_NUMBER = re.compile(r"(?P<low>[-+.\deE]+)\.\.(?P<high>[-+.\deE]+)")
WANTED = "write NAME=LOW..HIGH for a number or NAME=CLASS|CLASS for classes, as age=20..90 and sex=F|M"
UNKNOWN = ("", "n/a", "na", "nan", "none", "null", "unknown")
"""How tables say, in any letters, that a value is not known."""


@dataclass(frozen=True)
class Covariate:
    """One column of a table of subjects.

    Attributes:
        name: of the column.
        bounds: of a number: what becomes -1 and 1; None where the column holds classes.
        classes: every class that there is, two or more; empty for a number.
    """

    name: str
    bounds: tuple[float, float] | None = None
    classes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Inputs of the network that it takes: one a class; of a number, whether it is known and where it lies."""
        return len(self.classes) or 2

    @property
    def wanted(self) -> str:
        """What a value of it must be, in words."""
        if self.bounds is None:
            return f"one of {', '.join(self.classes)}"
        return f"a number from {self.bounds[0]:g} to {self.bounds[1]:g}"

    def encode(self, text: str) -> tuple[float, ...]:
        """A value as inputs of the network, zeros where it is not known.

        Raises:
            ValueError: it is no number, outside the bounds, or none of the classes.
        """
        text = text.strip()
        if text in self.classes:
            return tuple(float(text == name) for name in self.classes)
        if text.lower() in UNKNOWN:
            return (0.0,) * self.width
        if self.bounds is None:
            raise ValueError(f"{text!r} is not {self.wanted}")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        low, high = self.bounds
        if not low <= value <= high:
            raise ValueError(f"{text!r} is not {self.wanted}")
        return 1.0, 2 * (value - low) / (high - low) - 1


def parse_covariate(text: str) -> Covariate:
    """Read `age=20..90` or `sex=F|M`.

    Raises:
        ValueError: it is neither; the text is what to do about it.
    """
    name, _, rest = (part.strip() for part in text.partition("="))
    if found := _NUMBER.fullmatch(rest):
        return Covariate(name, bounds=_bounds(found["low"], found["high"], text)) if name else _refuse(text)
    classes = tuple(part.strip() for part in rest.split("|"))
    if not name or len(classes) < 2 or not all(classes):
        return _refuse(text)
    if len(set(classes)) < len(classes):
        raise ValueError(f"name each class once, unlike {text!r}")
    return Covariate(name, classes=classes)


def _bounds(low: str, high: str, text: str) -> tuple[float, float]:
    try:
        bounds = float(low), float(high)
    except ValueError:
        bounds = math.nan, math.nan
    # Also no difference that overflows.
    if not 0 < bounds[1] - bounds[0] < math.inf:
        raise ValueError(f"write the smaller number first, unlike {text!r}")
    return bounds


def _refuse(text: str) -> Covariate:
    raise ValueError(f"{WANTED}, unlike {text!r}")


def parse_covariates(columns: Sequence[str]) -> tuple[Covariate, ...]:
    """The covariates of a run, in order.

    Raises:
        ValueError: one cannot be read, or two have one name.
    """
    parsed = tuple(parse_covariate(text) for text in columns)
    names = [one.name for one in parsed]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"name each covariate once, unlike {twice!r}")
    return parsed


def covariate_width(columns: Sequence[str]) -> int:
    """Inputs of the network that the covariates of a run take, K; 0 where there are none."""
    return sum(one.width for one in parse_covariates(columns))


def _readable(columns: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_covariates(columns)
    except ValueError as error:
        raise PydanticCustomError("covariates", "{problem}", {"problem": str(error)}) from error
    return columns


Columns = Annotated[tuple[str, ...], AfterValidator(_readable)]
"""Covariates of a run, each as `parse_covariate` reads it."""
