"""Sets of deltas as integers: bit i is set when delta i has its value of the bad run."""

from __future__ import annotations

from collections.abc import Iterable


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
