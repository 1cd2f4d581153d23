"""The form of every error that a test meets: problem and remedy are clauses of the one sentence that a user reads."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from neuromf.errors import InputError

STARTS = ("`", "--")
"""A remedy that begins with a command or an option begins with no letter."""


def flaws(problem: object, remedy: object) -> list[str]:
    """What keeps two clauses from making one sentence; nothing where they do."""
    found = [f"the {name} is {clause!r}" for name, clause in (("problem", problem), ("remedy", remedy)) if _no(clause)]
    if isinstance(problem, str) and problem and problem.upper() == problem != problem.lower():
        found.append(f"the problem is in capitals: {problem!r}")
    if isinstance(remedy, str) and not (remedy[:1].islower() or remedy.startswith(STARTS)):
        found.append(f"the remedy does not begin as a clause: {remedy!r}")
    if isinstance(remedy, str) and remedy.endswith("."):
        found.append(f"the remedy ends a second time: {remedy!r}")
    return found


def _no(clause: object) -> bool:
    """Whether it is no clause: another thing than text, or blank at one of its ends."""
    return not isinstance(clause, str) or not clause or clause != clause.strip()


@contextlib.contextmanager
def held_to_form() -> Iterator[list[str]]:
    """What is wrong with the errors that are made meanwhile, whether somebody catches them or not."""
    wrong: list[str] = []
    made = InputError.__init__

    @functools.wraps(made)
    def watched(self: InputError, problem: str, *, remedy: str, **place: Any) -> None:
        wrong.extend(flaws(problem, remedy))
        made(self, problem, remedy=remedy, **place)

    InputError.__init__ = watched  # type: ignore[method-assign]
    try:
        yield wrong
    finally:
        InputError.__init__ = made  # type: ignore[method-assign]
