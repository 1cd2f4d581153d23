"""The differences of two configurations, grouped where keys cannot vary alone, each with what the laws say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from neuromf.bisect.blame import Blame, blame, weight
from neuromf.bisect.mixtures import Mixtures
from neuromf.bisect.question import LARGEST
from neuromf.bisect.subsets import subset_of
from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.errors import InputError

NOT_COMPARED = ("training.seed",)
"""Keys that are no deltas: every probe draws a seed of its own."""
LARGEST_GROUP = 4
"""Most keys that are looked for as one group."""


@dataclass(frozen=True, kw_only=True)
class Delta:
    """One difference that a probe takes from the bad run or not.

    Attributes:
        keys: dotted keys, more than one where they cannot vary alone.
        good: their values in the good run.
        bad: their values in the bad run.
        blame: laws that the bad run breaks through these keys and the good run does not.
        weight: how suspect that makes it beforehand, relative to 1.
    """

    keys: tuple[str, ...]
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    blame: tuple[Blame, ...]
    weight: float

    @property
    def name(self) -> str:
        """The keys."""
        return " + ".join(self.keys)


@dataclass(frozen=True)
class Differences:
    """All deltas of two configurations, and the mixtures they span.

    Attributes:
        deltas: in the order of their first keys; their numbers are the bits of a subset.
        mixtures: configurations between the two.
    """

    deltas: tuple[Delta, ...]
    mixtures: Mixtures

    @property
    def weights(self) -> tuple[float, ...]:
        """Prior weight of each delta."""
        return tuple(delta.weight for delta in self.deltas)


def differing_keys(good: Config, bad: Config) -> list[str]:
    """Keys in which two configurations differ, the seed left out, sorted."""
    ends = flat_config(good), flat_config(bad)
    return [key for key in ends[0] if ends[0][key] != ends[1][key] and key not in NOT_COMPARED]


def find_differences(good: Config, bad: Config, hidden: Sequence[str] = ()) -> Differences:
    """Compare two configurations.

    Args:
        good: the one that trains.
        bad: the one that breaks.
        hidden: keys in which they differed before both were brought to one scale.

    Raises:
        InputError: they do not differ, differ in more than 24 deltas, or one of them cannot be trained.
    """
    keys = differing_keys(good, bad)
    if not keys:
        raise _no_difference(good, bad, hidden)
    mixtures = Mixtures(good, bad, _groups(Mixtures(good, bad, [[key] for key in keys]), keys))
    groups = mixtures.groups
    if len(groups) > LARGEST:
        problem = f"the two configurations differ in {len(groups)} deltas, of which at most {LARGEST} can be bisected"
        raise InputError(problem, remedy="give a good one that is closer to the bad one", key="GOOD BAD")
    for name, subset in (("GOOD", 0), ("BAD", (1 << len(groups)) - 1)):
        if obstacle := mixtures.obstacle(subset):
            raise InputError(f"cannot be trained: {obstacle[:-1]}", remedy="give one that can", key=name)
    ends = flat_config(good), flat_config(bad)
    return Differences(tuple(_delta(group, ends, blame(good, bad)) for group in groups), mixtures)


def _no_difference(good: Config, bad: Config, hidden: Sequence[str]) -> InputError:
    if hidden:
        problem = f"the two configurations differ in {', '.join(hidden)} alone, which this scale does not compare"
        return InputError(problem, remedy="compare them with --full-scale", key="GOOD BAD")
    seeds = " but for training.seed" if good.training.seed != bad.training.seed else ""
    problem = f"the two configurations are identical{seeds}"
    return InputError(problem, remedy="give two that differ", key="GOOD BAD")


def _delta(keys: tuple[str, ...], ends: tuple[dict[str, Any], dict[str, Any]], blames: Sequence[Blame]) -> Delta:
    mine = tuple(b for b in blames if set(b.keys) & set(keys))
    good, bad = (tuple(end[key] for key in keys) for end in ends)
    return Delta(keys=keys, good=good, bad=bad, blame=mine, weight=weight(mine))


def _groups(single: Mixtures, keys: Sequence[str]) -> list[tuple[str, ...]]:
    """Keys by group: those that the schema lets change only together, at either end.

    A set of keys is a group when it can be brought into the good run and taken out of the bad one as a whole, and no
    part of it either way. A key that needs another in one direction alone (a long warm-up needs a long run, which
    needs no warm-up) stays a delta of its own: the mixtures without the other are untestable.
    """
    full = (1 << len(keys)) - 1

    def fixed(subset: int) -> bool:
        return not single.loads(subset) and not single.loads(full & ~subset)

    def moves(subset: int) -> bool:
        return single.loads(subset) and single.loads(full & ~subset)

    left = [number for number in range(len(keys)) if fixed(1 << number)]
    found: list[tuple[int, ...]] = []
    for size in range(2, LARGEST_GROUP + 1):
        for numbers in combinations(left, size):
            parts = (part for length in range(1, size) for part in combinations(numbers, length))
            if set(numbers) <= set(left) and moves(subset_of(numbers)) and all(fixed(subset_of(p)) for p in parts):
                found.append(numbers)
                left = [number for number in left if number not in numbers]
    grouped = {number for numbers in found for number in numbers}
    whole = sorted([*found, *((number,) for number in range(len(keys)) if number not in grouped)])
    return [tuple(keys[number] for number in numbers) for numbers in whole]
