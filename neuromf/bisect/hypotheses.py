"""The hypotheses about what broke the run: nothing, one set of deltas, or two independent sets.

A set of deltas is an integer whose bit i stands for delta i.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

import numpy as np
from numpy.typing import NDArray


def members(subset: int) -> tuple[int, ...]:
    """Numbers of the deltas in `subset`, rising."""
    return tuple(i for i in range(subset.bit_length()) if subset >> i & 1)


def subset_of(numbers: Iterable[int]) -> int:
    """The set of the deltas with these numbers."""
    subset = 0
    for number in numbers:
        subset |= 1 << number
    return subset


def union(sets: Iterable[int]) -> int:
    """Deltas that are in any of `sets`."""
    whole = 0
    for part in sets:
        whole |= part
    return whole


def contains(subset: int, part: int) -> bool:
    """Whether every delta of `part` is in `subset`."""
    return not part & ~subset


def minimal(sets: Iterable[int]) -> list[int]:
    """Those that contain no other one, smallest first."""
    kept: list[int] = []
    for candidate in sorted(set(sets), key=lambda s: (s.bit_count(), s)):
        if not any(contains(candidate, other) for other in kept):
            kept.append(candidate)
    return kept


def minimal_hitting_sets(sets: Iterable[int]) -> list[int]:
    """The smallest sets that share a delta with each of `sets`; the empty set when there are none.

    Taking such a set back is the least that removes every known cause (R. Reiter, Artificial Intelligence 32 (1987)).
    """
    found = [0]
    for part in sets:
        found = minimal(h if h & part else h | 1 << i for h in found for i in members(part))
    return found


SIZES = {1: 0.35, 2: 0.30, 3: 0.20, 4: 0.15}
"""Prior of a cause's size: most breakages have one or two keys, an interaction of more than four is not looked for."""
PAIR_DELTAS = 5
"""Most deltas that two independent causes are looked for with, together; with 24 deltas that makes 900,000 pairs."""
NO_CULPRIT = 0.02
TWO_CAUSES = 0.08
"""Prior of these two; what is left goes to one cause."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hypotheses:
    """All hypotheses on one universe of deltas, H of them, as arrays.

    Attributes:
        deltas: number of deltas N, of which the universe may be a part.
        first: cause of each hypothesis as bits, shape (H,).
        second: its other, independent cause; equal to `first` when there is none. Shape (H,).
        culprit: False for the hypothesis that nothing breaks the run. Shape (H,).
        prior: adds up to one, shape (H,).
    """

    deltas: int
    first: Integers
    second: Integers
    culprit: NDArray[np.bool_]
    prior: Floats

    def hit(self, subset: int) -> NDArray[np.bool_]:
        """Whether `subset` would break the run, by hypothesis, shape (H,)."""
        hits: NDArray[np.bool_] = self.culprit & (((self.first & ~subset) == 0) | ((self.second & ~subset) == 0))
        return hits

    def hit_mass(self, weights: Floats) -> Floats:
        """Sum of `weights` (H,) over the hypotheses that a subset would break, for every subset, shape (2^N,).

        A sum over all parts of each subset, in N passes over the table; "A or B is in" is A plus B minus both.
        """
        size = 1 << self.deltas
        mass = np.where(self.culprit, weights, 0.0)
        table = np.bincount(self.first, mass, size).astype(np.float64, copy=False)
        table += np.bincount(self.second, mass, size)
        table -= np.bincount(self.first | self.second, mass, size)
        for i in range(self.deltas):
            halves = table.reshape(-1, 2, 1 << i)
            halves[:, 1] += halves[:, 0]
        return np.clip(table, 0.0, 1.0)

    def causes(self, number: int) -> tuple[int, ...]:
        """The causes of one hypothesis: none, one or two subsets."""
        if not self.culprit[number]:
            return ()
        return tuple(sorted({int(self.first[number]), int(self.second[number])}))


def build_hypotheses(weights: Sequence[float], universe: int, testable: Callable[[int], bool]) -> Hypotheses:
    """Enumerate the hypotheses on `universe`.

    Args:
        weights: how suspect each delta is beforehand, relative to 1, shape (N,).
        universe: deltas that may take part, as bits.
        testable: whether a subset can be trained. A cause that cannot stand alone is no hypothesis: wherever it is
            in, the deltas that it needs are in too, so that no probe distinguishes it from the cause with them.
    """
    causes = {size: _causes(weights, universe, size, testable) for size in SIZES}
    alone = [_Kind(SIZES[size], found.subsets, found.subsets, found.weights) for size, found in causes.items()]
    sizes = [pair for pair in combinations_with_replacement(SIZES, 2) if sum(pair) <= PAIR_DELTAS]
    pairs = [_pairs(SIZES[a] * SIZES[b], causes[a], causes[b], same=a == b) for a, b in sizes]
    nothing = np.zeros(1, np.int64)
    kinds = [_Kind(1.0, nothing, nothing, np.ones(1)), *alone, *pairs]
    prior = np.concatenate(
        [[NO_CULPRIT], *_shared(1 - NO_CULPRIT - TWO_CAUSES, alone), *_shared(TWO_CAUSES, pairs)], dtype=np.float64
    )
    first, second = (np.concatenate([getattr(kind, name) for kind in kinds]) for name in ("first", "second"))
    return Hypotheses(len(weights), first, second, np.arange(len(first)) > 0, prior / prior.sum())


@dataclass(frozen=True)
class _Causes:
    """Subsets of one size that may be a cause, and how suspect each is, shape (S,)."""

    subsets: Integers
    weights: Floats


@dataclass(frozen=True)
class _Kind:
    """Hypotheses of one kind, shape (K,): their prior is spread by size first, then by weight among those of a size."""

    share: float
    first: Integers
    second: Integers
    weights: Floats


def _causes(weights: Sequence[float], universe: int, size: int, testable: Callable[[int], bool]) -> _Causes:
    found = [numbers for numbers in combinations(members(universe), size) if testable(subset_of(numbers))]
    suspicion = [math.prod(weights[i] for i in numbers) for numbers in found]
    return _Causes(np.array([subset_of(n) for n in found], np.int64), np.array(suspicion, np.float64))


def _pairs(share: float, left: _Causes, right: _Causes, *, same: bool) -> _Kind:
    """Two causes of which neither contains the other, each pair once."""
    a, b = left.subsets[:, None], right.subsets[None, :]
    apart = ((a & ~b) != 0) & ((b & ~a) != 0)
    i, j = np.nonzero(np.triu(apart) if same else apart)
    return _Kind(share, left.subsets[i], right.subsets[j], left.weights[i] * right.weights[j])


def _shared(mass: float, kinds: Sequence[_Kind]) -> list[Floats]:
    """Prior of each hypothesis: `mass` dealt out to the kinds that have any by their share, and within by weight."""
    whole = sum(kind.share for kind in kinds if kind.weights.size)
    return [mass * kind.share / whole * kind.weights / kind.weights.sum() for kind in kinds if kind.weights.size]
