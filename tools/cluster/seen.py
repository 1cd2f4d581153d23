"""What a scenario showed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.cluster.training import Workplace


@dataclass(frozen=True)
class Seen:
    """One scenario's outcome.

    Attributes:
        expected: what should happen, one sentence.
        facts: what was looked at, each with whether it was so.
        said: what the user was told, shortened.
    """

    expected: str
    facts: dict[str, bool]
    said: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether all was as expected."""
        return all(self.facts.values())


Scenario = Callable[[Workplace], Seen]
