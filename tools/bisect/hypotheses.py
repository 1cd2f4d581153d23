"""What may have broken the run: no delta, one conjunction of up to four, or either of two small conjunctions.

A conjunction M is a cause when the run breaks as soon as all deltas of M are in. Breaking is monotone in this model: a
cause is not healed by further deltas. Hypotheses are all subsets up to size 4 with a "no culprit" hypothesis, after the
group testing of flaky commits (FACF, ICST 2023), extended here by pairs of independent causes: without them the
posterior of a run with two causes does not settle (measured beforehand: 39 to 91 % right).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tools.bisect.subsets import contains, members, subset_of

SIZES = {1: 0.35, 2: 0.30, 3: 0.20, 4: 0.15}
"""Prior of a cause's size: most breakages have one or two keys, an interaction of more than four is not looked for."""
PAIR_SIZE = 2
"""Largest cause that is considered together with an independent second one."""
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
            in, the deltas that it needs are in too, so that no probe tells it from the cause with them.
    """
    single = [s for s in _subsets(universe, max(SIZES)) if testable(s)]
    small = [s for s in single if s.bit_count() <= PAIR_SIZE]
    double = [(a, b) for a, b in combinations(small, 2) if not contains(a, b) and not contains(b, a)]
    first = [0, *single, *(a for a, _ in double)]
    second = [0, *single, *(b for _, b in double)]
    one = _spread([_weight(weights, s) for s in single], [(s.bit_count(),) for s in single])
    two = _spread(
        [_weight(weights, a) * _weight(weights, b) for a, b in double],
        [(a.bit_count(), b.bit_count()) for a, b in double],
    )
    prior = np.concatenate([[NO_CULPRIT], (1 - NO_CULPRIT - TWO_CAUSES) * one, TWO_CAUSES * two])
    culprit = np.arange(len(first)) > 0
    return Hypotheses(len(weights), np.array(first, np.int64), np.array(second, np.int64), culprit, prior / prior.sum())


def _subsets(universe: int, largest: int) -> Iterator[int]:
    for size in range(1, largest + 1):
        for numbers in combinations(members(universe), size):
            yield subset_of(numbers)


def _weight(weights: Sequence[float], subset: int) -> float:
    return math.prod(weights[i] for i in members(subset))


def _spread(weights: list[float], sizes: list[tuple[int, ...]]) -> Floats:
    """Prior within one kind of hypotheses: by size first, then by weight among those of equal size."""
    total: dict[tuple[int, ...], float] = {}
    for weight, size in zip(weights, sizes, strict=True):
        total[size] = total.get(size, 0.0) + weight
    share = {size: math.prod(SIZES[s] for s in size) for size in total}
    whole = sum(share.values())
    return np.array([share[s] / whole * w / total[s] for w, s in zip(weights, sizes, strict=True)], dtype=np.float64)
