"""The seam between a bisect and the machines that train for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from neuromf.bisect.oracle import Outcome
from neuromf.bisect.oracles.task import Task


@dataclass(frozen=True)
class Numbered:
    """A task with the number of its probe."""

    number: int
    task: Task


@dataclass(frozen=True)
class Answer:
    """An outcome with the number of its probe."""

    number: int
    outcome: Outcome


class Fleet(Protocol):
    """Answers tasks in any order."""

    @property
    def size(self) -> int:
        """Tasks that are worked on at once."""
        ...

    def submit(self, tasks: Sequence[Numbered]) -> None:
        """Take tasks; returns at once."""
        ...

    def wait(self) -> list[Answer]:
        """Answers that have come in since, at least one.

        Raises:
            InputError: a task says what the user must mend.
        """
        ...

    def close(self) -> None:
        """Stop what is running."""
        ...
