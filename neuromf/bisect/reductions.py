"""Classic reductions of a failure to a minimal cause, for an oracle without errors: ddmin, QuickXplain, one at a time.

Each is a generator: it yields a subset, receives whether that breaks the run, and returns the subset it ends with. The
caller handles repeats, journal and noise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from neuromf.bisect.hypotheses import members, subset_of

Reduction = Generator[int, bool, int]


def one_at_a_time(universe: int) -> Reduction:
    """Take back one delta after the other; what stays healed by it is kept back."""
    kept = universe
    for number in members(universe):
        without = kept & ~(1 << number)
        if (yield without):
            kept = without
    return kept


def ddmin(universe: int) -> Reduction:
    """Minimising delta debugging: chunks, then complements, then finer chunks; the result is 1-minimal without noise.

    A. Zeller, R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28 (2002), figure 4. Answers
    are remembered, as every implementation does.
    """
    asked: dict[int, bool] = {}
    items, parts = list(members(universe)), 2
    while len(items) >= 2:
        found = yield from _step(_chunks(items, parts), parts, asked)
        if found is not None:
            items, chunk = list(members(found.subset)), found.chunk
            parts = 2 if chunk else max(parts - 1, 2)
        elif parts >= len(items):
            break
        else:
            parts = min(2 * parts, len(items))
    return subset_of(items)


@dataclass(frozen=True)
class _Found:
    """A smaller subset that breaks, and whether it is a chunk or the complement of one."""

    subset: int
    chunk: bool


def _step(chunks: list[int], parts: int, asked: dict[int, bool]) -> Generator[int, bool, _Found | None]:
    whole = sum(chunks)
    complements = [whole & ~chunk for chunk in chunks] if parts > 2 else []
    for subset in (*chunks, *complements):
        if subset not in asked:
            asked[subset] = yield subset
        if asked[subset]:
            return _Found(subset, subset in chunks)
    return None


def _chunks(items: Sequence[int], parts: int) -> list[int]:
    count = len(items)
    return [subset_of(items[i * count // parts : (i + 1) * count // parts]) for i in range(parts)]


def quickxplain(universe: int) -> Reduction:
    """Divide and conquer for a minimal cause of a monotone oracle.

    U. Junker, QUICKXPLAIN, AAAI 2004, algorithm 1.
    """
    asked: dict[int, bool] = {}

    def explain(background: int, added: bool, items: Sequence[int]) -> Reduction:
        if added:
            if background not in asked:
                asked[background] = yield background
            if asked[background]:
                return 0
        if len(items) == 1:
            return subset_of(items)
        left, right = items[: len(items) // 2], items[len(items) // 2 :]
        second = yield from explain(background | subset_of(left), True, right)
        first = yield from explain(background | second, second != 0, left)
        return first | second

    return (yield from explain(0, False, members(universe)))


@dataclass(frozen=True)
class Reduced:
    """How far a reduction comes with what is known.

    Attributes:
        asked: the subset it waits for, None when it has ended.
        causes: what it ended with: one subset, or none because the whole does not break.
    """

    asked: int | None
    causes: tuple[int, ...] = ()


def reduce_breaking(universe: int, known: Callable[[int], bool | None]) -> Reduced:
    """Run ddmin within `universe` from its beginning, as far as the answers are known.

    Args:
        universe: deltas that may take part.
        known: whether a subset breaks, None when that is not known yet.
    """
    reduction = ddmin(universe)
    try:
        subset, answer = universe, known(universe)
        if answer is False:
            return Reduced(None)
        if answer:
            subset = next(reduction)
            while (answer := known(subset)) is not None:
                subset = reduction.send(answer)
    except StopIteration as end:
        return Reduced(None, (int(end.value),))
    return Reduced(subset)


def drive(reduction: Reduction, answer: Callable[[int], bool]) -> int:
    """Run a reduction to its end."""
    try:
        subset = next(reduction)
        while True:
            subset = reduction.send(answer(subset))
    except StopIteration as end:
        return int(end.value)


def majority(ask: Callable[[int], bool], repeats: int) -> Callable[[int], bool]:
    """An oracle that asks until one answer has the majority of an odd number of `repeats`."""

    def answer(subset: int) -> bool:
        votes = {True: 0, False: 0}
        while max(votes.values()) <= repeats // 2:
            votes[ask(subset)] += 1
        return votes[True] > repeats // 2

    return answer
