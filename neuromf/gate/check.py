"""A static check: how the arguments of a law are computed from a configuration of our own trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neuromf.config.derived import RunFacts
from neuromf.config.schema import Config

Arguments = dict[str, Any]
"""Plain numbers, by the keyword under which a law's predicate takes them."""


@dataclass(frozen=True)
class Check:
    """A law that a configuration can break.

    Attributes:
        law_id: id of the law.
        key: configuration key that a user would change, empty when it is the whole configuration.
        arguments: what the law's predicate is called with; None where there is nothing that it could judge.
    """

    law_id: str
    key: str
    arguments: Callable[[Config, RunFacts], Arguments | None]
