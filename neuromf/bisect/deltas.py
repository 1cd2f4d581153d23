"""The differences (deltas) between a good and a bad configuration, and the configurations between the two (mixtures).

Each delta is one key, or several that can only change together. It starts with a prior weight: higher where the bad
configuration breaks a law through that key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from neuromf_spec.laws.forbidden_pairs import FORBIDDEN_PAIRS

from neuromf.bisect.hypotheses import members, subset_of
from neuromf.bisect.question import LARGEST
from neuromf.config.derived import pair_settings
from neuromf.config.load import validate
from neuromf.config.resolve import flat_config, unflatten
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.gate.result import LawResult
from neuromf.gate.static import static_findings

WEIGHTS = {"block": 3.0, "warn": 2.0, "policy": 1.0}
"""Prior weight of a key through which a law of this severity is broken, relative to 1. Chosen small on purpose: if the
true cause is three keys that break no law, it starts 27 times behind three keys that break one, and about five answers
make up for that (measured in the simulation)."""
OBSERVING = ("GUARD-001", "OBS-001", "WGT-002")
"""Laws about recording and monitoring. A run that breaks one may fail unseen, but that is not why it fails; they give a
key no weight."""


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


NOT_COMPARED = ("training.seed",)
"""Keys that are never deltas: every probe has another seed anyway."""
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
    keys = sorted({*ends[0], *ends[1]})  # options of own code are in one of the two, perhaps
    return [key for key in keys if ends[0].get(key) != ends[1].get(key) and key not in NOT_COMPARED]


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
    good, bad = (tuple(end.get(key) for key in keys) for end in ends)
    return Delta(keys=keys, good=good, bad=bad, blame=mine, weight=weight(mine))


def _groups(single: Mixtures, keys: Sequence[str]) -> list[tuple[str, ...]]:
    """Keys by group; a group are keys of which the schema accepts a change of all but not of some, at either end.

    A set of keys is a group when it can be brought into the good run and taken out of the bad one as a whole, and no
    part of it either way. A key that needs another in one direction alone (a long warm-up needs a long run, which
    needs no warm-up) stays a separate delta: the mixtures without the other are untestable.
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


class Mixtures:
    """Configurations between a good and a bad one.

    A mixture is *untestable*, as exit code 125 is to `git bisect run`, when the schema refuses it, when torch cannot
    run it, or when two of its options form a forbidden pair that neither end has: such a run would say something of
    the pair and nothing of what broke the bad run. A pair that the bad run itself has is testable, for it may be
    the very cause.

    Args:
        good: the configuration that trains.
        bad: the one that breaks.
        groups: dotted keys that change together, by delta.
    """

    def __init__(self, good: Config, bad: Config, groups: Sequence[Sequence[str]]) -> None:
        self.groups = tuple(tuple(group) for group in groups)
        self._good, self._bad = flat_config(good), flat_config(bad)
        self._known = {pair.name for end in (good, bad) for pair in FORBIDDEN_PAIRS if pair.holds(pair_settings(end))}
        self._reasons: dict[int, str] = {}

    def config(self, subset: int) -> Config:
        """The mixture with the bad run's values of the deltas in `subset`.

        Raises:
            InputError: the schema refuses it.
        """
        bad = [key for number in members(subset) for key in self.groups[number]]
        kept = {key: value for key, value in self._good.items() if key not in bad}
        return validate(unflatten(kept | {key: self._bad[key] for key in bad if key in self._bad}))

    def loads(self, subset: int) -> bool:
        """Whether the schema takes the mixture, whatever the laws say of it."""
        try:
            self.config(subset)
        except InputError:
            return False
        return True

    def obstacle(self, subset: int) -> str:
        """Why the mixture cannot be trained, in a sentence; empty when it can."""
        if subset not in self._reasons:
            self._reasons[subset] = self._find_obstacle(subset)
        return self._reasons[subset]

    def testable(self, subset: int) -> bool:
        """Whether the mixture can be trained."""
        return not self.obstacle(subset)

    def _find_obstacle(self, subset: int) -> str:
        try:
            settings = pair_settings(self.config(subset))
        except InputError as error:
            return error.sentence
        for pair in FORBIDDEN_PAIRS:
            if pair.holds(settings) and (pair.impossible or pair.name not in self._known):
                return f"{pair.name}: {pair.reason} (law {pair.law})."
        return ""
