"""This process among those that torchrun started, from the environment; no torch is needed to ask."""

from __future__ import annotations

import os
from dataclasses import dataclass

from neuromf.errors import InputError

NEEDED = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What a process of several needs besides WORLD_SIZE."""
REMEDY = "`unset WORLD_SIZE` to train in one process, or start by torchrun, which sets them all"


@dataclass(frozen=True)
class Place:
    """A process's place.

    Attributes:
        rank: its number, from 0.
        size: how many they are.
        local: its number among those on this machine, from 0.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def speaks(self) -> bool:
        """Whether it is the one that the user hears."""
        return self.rank == 0


def launched_place() -> Place:
    """The place that torchrun says; that of a process alone where WORLD_SIZE is empty or 1, whatever else is set.

    Raises:
        InputError: a variable that counts is missing or no number, as one left over from another launch is.
    """
    size = _number("WORLD_SIZE", least=1) if os.environ.get("WORLD_SIZE") else 1
    if size == 1:
        return Place()
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        problem = f"is {size}, but {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
        raise InputError(problem, remedy=REMEDY, key="WORLD_SIZE")
    _number("MASTER_PORT", least=1, most=65_535)
    return Place(_number("RANK", least=0, most=size - 1), size, _number("LOCAL_RANK", least=0, most=size - 1))


def _number(name: str, *, least: int, most: int | None = None) -> int:
    text = os.environ[name]
    bounds = f"from {least} on" if most is None else f"from {least} to {most}"
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if value < least or (most is not None and value > most):
        raise InputError(f"is '{text}', not a number {bounds}", remedy=REMEDY, key=name)
    return value
