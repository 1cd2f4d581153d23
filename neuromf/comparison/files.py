"""Compares two trace files of any length in the memory of a few thousand rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from neuromf.comparison.comparator import Comparison, ComparisonVerdict, Tolerance, compare
from neuromf.comparison.row_pairs import RowPair, row_pairs
from neuromf.comparison.table import TraceTable, refused_as, table_from_text
from neuromf.trace.reader import check_frame

THREADS = 2
"""Parts that are read and compared at a time: pandas reads numbers without Python's lock."""

Given = TypeVar("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Part:
    """Some rows of two traces: how they compare, None where one of them has ended, and how many each has."""

    comparison: Comparison | None
    actual: int
    golden: int


def compare_files(actual: Path, golden: Path, tolerances: Mapping[str, Tolerance]) -> Comparison:
    """Compare a trace file with its golden one, as `comparator.compare` does tables.

    Args:
        actual: the trace in question.
        golden: the trace it is held to.
        tolerances: by column; a column that is not named must agree exactly.

    Raises:
        InputError: one of them is no trace.
    """
    check_frame(actual)
    names = [column.name for column in check_frame(golden)]

    def one(pair: RowPair) -> _Part:
        with refused_as(actual):
            found = table_from_text(pair.actual)
        with refused_as(golden):
            # The same text is the same numbers.
            expected = found if pair.golden == pair.actual else table_from_text(pair.golden)
        return _part(pair, found, expected, tolerances)

    with refused_as(actual):
        return _joined(list(_ahead(one, row_pairs(actual, golden))), names)


def _part(pair: RowPair, found: TraceTable, expected: TraceTable, tolerances: Mapping[str, Tolerance]) -> _Part:
    # A trace without a step is told by the comparator; after the first rows, one that has ended is only shorter.
    judged = pair.count or not pair.first
    comparison = compare(found, expected, tolerances, first_row=pair.first) if judged else None
    return _Part(comparison, len(found.steps), len(expected.steps))


def _joined(parts: list[_Part], names: Sequence[str]) -> Comparison:
    """The comparison of whole traces, whose columns have these names, from those of their parts, in order."""
    compared = [part.comparison for part in parts if part.comparison is not None]
    problem = next((found.problem for found in compared if found.problem), "")
    if problem:
        return Comparison(ComparisonVerdict.CONTRACT, 0, problem=problem)
    parted = next((found for found in compared if found.first is not None), compared[0])
    differing: dict[str, int] = {}
    for name in names:
        if count := sum((found.differing or {}).get(name, 0) for found in compared):
            differing[name] = count
    found = Comparison(
        verdict=max((found.verdict for found in compared), key=list(ComparisonVerdict).index),
        steps=sum(found.steps for found in compared),
        first=parted.first,
        unchanged=parted.unchanged,
        differing=differing,
        not_finite=next((found.not_finite for found in compared if found.not_finite is not None), None),
    )
    sizes = sum(part.actual for part in parts), sum(part.golden for part in parts)
    if sizes[0] == sizes[1]:
        return found
    return replace(found, verdict=ComparisonVerdict.CONTRACT, problem=f"{sizes[0]} steps instead of {sizes[1]}")


def _ahead(work: Callable[[Given], Result], items: Iterable[Given]) -> Iterator[Result]:
    """What `work` makes of each item, in order, in threads; few are under way at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > THREADS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
