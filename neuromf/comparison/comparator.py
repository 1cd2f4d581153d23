"""The comparator: a pure function from two traces and tolerances to the first cell in which they differ.

One cell beyond its tolerance, in any step, is a regression. A number that is not finite always fails, even if both
traces hold it (comparisons are written so that NaN fails). Only for finding the first difference does NaN equal NaN:
two runs that broke down alike first differ before that step, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from neuromf.comparison.table import Numbers, TraceTable
from neuromf.trace.columns import columns_in


class ComparisonVerdict(StrEnum):
    """Result of a comparison; the text is what the user reads."""

    PASS = "PASS"
    REGRESSED = "REGRESSED"
    CONTRACT = "CONTRACT"
    NONFINITE = "NONFINITE"


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from its golden value, |a - g| <= atol + rtol |g|.

    Attributes:
        rtol: relative part.
        atol: absolute part, in the column's unit.
        noise: relative difference that benign changes make, the unit of distances in messages.
    """

    rtol: float = 0.0
    atol: float = 0.0
    noise: float = 0.0


EXACT = Tolerance()


@dataclass(frozen=True)
class Divergence:
    """A cell in which two traces differ.

    Attributes:
        step: optimiser step.
        column: name of the column.
        stage: part of the step that computes it.
        golden: value or text that was expected, None for an empty cell.
        actual: value or text that was found, None for an empty cell.
    """

    step: int
    column: str
    stage: str
    golden: float | str | None
    actual: float | str | None

    @property
    def relative(self) -> float:
        """|a - g| / |g|; infinite where there is no such quotient."""
        if not isinstance(self.golden, float) or not isinstance(self.actual, float) or self.golden == 0:
            return float("inf")
        return abs(self.actual - self.golden) / abs(self.golden)


@dataclass(frozen=True)
class Comparison:
    """Result of comparing two traces.

    Attributes:
        verdict: the answer.
        steps: steps that were compared.
        first: where they differ first, by step and then by causal order; None when they do not.
        unchanged: columns before `first` in the causal order, equal in its step and all before it.
        differing: number of steps in which each column is beyond its tolerance.
        problem: what breaks the contract, in a sentence; empty when nothing does.
        not_finite: the first number that is not finite on either side, whether or not the other side has it too.
    """

    verdict: ComparisonVerdict
    steps: int
    first: Divergence | None = None
    unchanged: tuple[str, ...] = ()
    differing: Mapping[str, int] | None = None
    problem: str = ""
    not_finite: Divergence | None = None

    @property
    def suspect(self) -> Divergence | None:
        """The cell to look at: the first that differs, else the first number that is not finite."""
        return self.first or self.not_finite


def compare(
    actual: TraceTable, golden: TraceTable, tolerances: Mapping[str, Tolerance], first_row: int = 0
) -> Comparison:
    """Compare a trace with its golden; where one is longer, the steps that both have, and that is no PASS.

    Args:
        actual: the trace in question.
        golden: the trace it is held to.
        tolerances: by column; a column that is not named must agree exactly.
        first_row: number of the tables' first row, where they are parts of longer traces.
    """
    problem = next(_contract_problems(actual, golden, first_row), "")
    if problem:
        return Comparison(ComparisonVerdict.CONTRACT, 0, problem=problem)
    sizes = len(actual.steps), len(golden.steps)
    found = _compare_cells(actual.head(min(sizes)), golden.head(min(sizes)), tolerances)
    if sizes[0] == sizes[1]:
        return found
    return replace(found, verdict=ComparisonVerdict.CONTRACT, problem=f"{sizes[0]} steps instead of {sizes[1]}")


def _compare_cells(actual: TraceTable, golden: TraceTable, tolerances: Mapping[str, Tolerance]) -> Comparison:
    """Compare traces of the same columns and steps."""
    beyond = {name: _beyond(actual, golden, name, tolerances.get(name, EXACT)) for name in golden.columns}
    first = _first(beyond, actual, golden)
    not_finite = _first({name: _non_finite(actual, golden, name) for name in golden.numbers}, actual, golden)
    parted = ComparisonVerdict.PASS if first is None else ComparisonVerdict.REGRESSED
    return Comparison(
        verdict=parted if not_finite is None else ComparisonVerdict.NONFINITE,
        steps=len(golden.steps),
        first=first,
        unchanged=() if first is None else golden.columns[: golden.columns.index(first.column)],
        differing={name: int(mask.sum()) for name, mask in beyond.items() if mask.any()},
        not_finite=not_finite,
    )


def _contract_problems(actual: TraceTable, golden: TraceTable, first_row: int) -> Iterator[str]:
    """What makes two traces incomparable: other columns, types or steps."""
    names = [column.name for column in columns_in(golden.columns)]
    for name, table in (("golden", golden), ("trace", actual)):
        missing = [column for column in names if column not in table.columns]
        foreign = [column for column in table.columns if column not in names]
        if missing or foreign:
            yield f"the {name} lacks {missing} and has {foreign} besides"
        if list(table.columns) != [column for column in names if column in table.columns]:
            yield f"the {name} has its columns in another order"
        if not len(table.steps):
            yield f"the {name} has no step"
    for column in golden.columns:
        kinds = [t.numbers[column].values.dtype if column in t.numbers else "text" for t in (golden, actual)]
        if kinds[0] != kinds[1]:
            yield f"column {column} is {kinds[1]} instead of {kinds[0]}"
    yield from _step_problems(actual.steps, golden.steps, first_row)


def _step_problems(actual: NDArray[np.int64], golden: NDArray[np.int64], first_row: int) -> Iterator[str]:
    common = min(len(actual), len(golden))
    other = np.flatnonzero(actual[:common] != golden[:common])
    if len(other):
        yield f"row {first_row + other[0]} is step {actual[other[0]]} instead of {golden[other[0]]}"


def _non_finite(actual: TraceTable, golden: TraceTable, name: str) -> NDArray[np.bool_]:
    """Steps in which either side holds a number that is not finite."""
    mask: NDArray[np.bool_] = np.zeros(len(golden.steps), dtype=bool)
    for table in (actual, golden):
        column = table.numbers[name]
        mask |= ~np.isfinite(column.values) & ~column.empty
    return mask


def _beyond(actual: TraceTable, golden: TraceTable, name: str, tolerance: Tolerance) -> NDArray[np.bool_]:
    """Steps in which a column is not within its tolerance."""
    if name in golden.texts:
        return np.asarray(actual.texts[name] != golden.texts[name], dtype=bool)
    found, expected = actual.numbers[name], golden.numbers[name]
    with np.errstate(over="ignore", invalid="ignore"):
        allowed = tolerance.atol + tolerance.rtol * np.abs(expected.values)
        within = np.abs(found.values - expected.values) <= allowed
    within = np.where(np.isfinite(found.values) & np.isfinite(expected.values), within, _alike(found, expected))
    both_empty = found.empty & expected.empty
    one_empty = found.empty ^ expected.empty
    beyond: NDArray[np.bool_] = one_empty | ~(within | both_empty)
    return beyond


def _alike(found: Numbers, expected: Numbers) -> NDArray[np.bool_]:
    """Whether two numbers that are not finite are the same; an infinite tolerance does not make them so."""
    same: NDArray[np.bool_] = found.values == expected.values
    return same | (np.isnan(found.values) & np.isnan(expected.values))


def _first(broken: Mapping[str, NDArray[np.bool_]], actual: TraceTable, golden: TraceTable) -> Divergence | None:
    """The lexicographic minimum of (step, causal order) over the broken cells."""
    places = {name: int(mask.argmax()) for name, mask in broken.items() if mask.any()}
    if not places:
        return None
    row = min(places.values())
    name = next(name for name in golden.columns if places.get(name) == row)
    column = next(column for column in columns_in(golden.columns) if column.name == name)
    return Divergence(int(golden.steps[row]), name, column.stage, _cell(golden, name, row), _cell(actual, name, row))


def _cell(table: TraceTable, name: str, row: int) -> float | str | None:
    if name in table.texts:
        return str(table.texts[name][row])
    column = table.numbers[name]
    return None if column.empty[row] else float(column.values[row])
