"""What the laws say of the bad run's keys before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from neuromf.config.schema import Config
from neuromf.gate.result import LawResult
from neuromf.gate.static import static_findings

WEIGHTS = {"block": 3.0, "warn": 2.0}
"""How much more suspect a key is through a law of this severity. A choice, kept small: a cause of three innocent keys
starts 27 times behind one of three blamed ones, which five answers make up for, and the simulation shows the price."""
OBSERVING = ("GUARD-001", "OBS-001", "WGT-002")
"""Laws about what is recorded and who watches. A run that breaks them is not seen to fail; it does not fail of them."""


@dataclass(frozen=True)
class Blame:
    """A law that the bad configuration breaks and the good one does not.

    Attributes:
        law: its id.
        title: the law in a few words.
        status: `block` or `warn`.
        keys: the configuration keys through which it is broken.
        found: value and bound, as the gate prints them.
    """

    law: str
    title: str
    status: str
    keys: tuple[str, ...]
    found: str


def blame(good: Config, bad: Config) -> list[Blame]:
    """Laws broken by `bad` alone, in the order of the registry."""
    kept = {result.law_id for result in static_findings(good, {}) if result.status in WEIGHTS}
    broken = [r for r in static_findings(bad, {}) if r.status in WEIGHTS and r.law_id not in kept]
    return [Blame(r.law_id, r.title, r.status, _keys(r), f"{r.found}, bound {r.bound}") for r in broken]


def weight(blames: Iterable[Blame]) -> float:
    """Prior weight of a delta, relative to 1: that of the gravest law that blames it."""
    return max((WEIGHTS[b.status] for b in blames if b.law not in OBSERVING), default=1.0)


def _keys(result: LawResult) -> tuple[str, ...]:
    """The key a law is about, and those it would have changed."""
    proposed = (part.partition("=")[0] for part in result.passing_value.split())
    return tuple(dict.fromkeys(key for key in (result.key, *proposed) if "." in key))
