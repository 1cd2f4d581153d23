"""The comparator: identity passes, and nothing else that it should not let through."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.comparison.comparator import EXACT, ComparisonVerdict, Tolerance, compare
from neuromf.comparison.table import table_from_frame
from neuromf.trace.columns import NAMES
from tests.support.trace_strategies import NUMBERS, OPTIONAL, frame_of, table_of, with_cell

pytestmark = [pytest.mark.law("CMP-001"), pytest.mark.filterwarnings("error")]
"""A warning of numpy's would stand on the screen above the verdict."""

STEPS = 6
ALL = {name: Tolerance(rtol=1e-3) for name in NUMBERS}
CELLS = st.tuples(st.integers(0, STEPS - 1), st.sampled_from(NUMBERS))
SIGNS = st.sampled_from([-1.0, 1.0])


def judged(frame, golden=None, tolerances=ALL):
    golden = frame_of(STEPS) if golden is None else golden
    return compare(table_from_frame(frame), table_from_frame(golden), tolerances)


def lawful(comparison, *, beyond=0, not_finite=0, misplaced=0):
    """Whether a verdict is the one that the law gives for so many cells, steps and columns amiss."""
    passed = comparison.verdict is ComparisonVerdict.PASS
    counts = {"beyond": beyond, "not_finite": not_finite, "misplaced": misplaced}
    return law("CMP-001").predicate(passed=passed, **counts).passed


def moved(cell, factor):
    """The golden trace with one cell multiplied."""
    step, column = cell
    frame = frame_of(STEPS)
    return with_cell(frame, step, column, float(frame.loc[step, column]) * factor)


@given(seed=st.integers(0, 1000), steps=st.integers(1, 20))
def test_a_trace_is_itself(seed, steps):
    """Any trace passes against itself, also where everything must agree exactly."""
    comparison = compare(table_of(steps, seed), table_of(steps, seed), {})
    assert lawful(comparison)
    assert (comparison.first, comparison.steps) == (None, steps)


@given(cell=CELLS, sign=SIGNS, size=st.floats(1.01e-3, 10.0))
def test_a_cell_beyond_its_tolerance_fails(cell, sign, size):
    """One cell in one step, moved up or down by more than its tolerance, is a regression that is named."""
    comparison = judged(moved(cell, 1 + sign * size))
    assert lawful(comparison, beyond=1)
    assert comparison.verdict is ComparisonVerdict.REGRESSED
    assert (comparison.first.step, comparison.first.column) == cell
    assert comparison.first.relative == pytest.approx(size, rel=1e-9)
    assert comparison.differing == {cell[1]: 1}


@given(cell=CELLS, sign=SIGNS, size=st.floats(0, 0.99e-3))
def test_a_cell_within_its_tolerance_passes(cell, sign, size):
    """One cell moved by less than its tolerance passes."""
    assert judged(moved(cell, 1 + sign * size)).verdict is ComparisonVerdict.PASS


@given(cell=CELLS, size=st.floats(1e-12, 1.0))
def test_a_column_without_tolerance_must_agree_exactly(cell, size):
    """Without a tolerance of its own a column may not move at all."""
    tolerances = {name: tolerance for name, tolerance in ALL.items() if name != cell[1]}
    assert judged(moved(cell, 1 + size), tolerances=tolerances).verdict is ComparisonVerdict.REGRESSED


@given(cell=CELLS, value=st.sampled_from([math.nan, math.inf, -math.inf]), side=st.booleans())
def test_a_number_that_is_not_finite_fails_on_either_side(cell, value, side):
    """NaN or infinity in the trace or in the golden fails, whatever the tolerance, and on both sides at once too."""
    broken, loose = with_cell(frame_of(STEPS), *cell, value), {name: Tolerance(rtol=1e9, atol=1e9) for name in NUMBERS}
    sides = (broken, frame_of(STEPS)) if side else (frame_of(STEPS), broken)
    for frame, golden in (sides, (broken, broken)):
        comparison = judged(frame, golden, loose)
        assert lawful(comparison, not_finite=1)
        assert comparison.verdict is ComparisonVerdict.NONFINITE
        assert (comparison.not_finite.step, comparison.not_finite.column) == cell
    assert (judged(*sides, loose).first.step, judged(*sides, loose).first.column) == cell


@given(cell=CELLS, value=st.sampled_from([math.nan, math.inf, -math.inf]), step=st.integers(0, STEPS - 1))
def test_of_two_traces_that_broke_down_alike_the_first_difference_is_told(cell, value, step):
    """A NaN that both have at one place parts nothing: they part where a cell differs, before it or after, or nowhere.

    The verdict is the same either way.
    """
    broken = with_cell(frame_of(STEPS), *cell, value)
    assert judged(broken, broken).first is None
    assert judged(broken, broken).differing == {}
    other = with_cell(broken, step, "batch_hash", "other")
    assert (judged(other, broken).first.step, judged(other, broken).first.column) == (step, "batch_hash")
    assert judged(other, broken).differing == {"batch_hash": 1}
    assert judged(other, broken).verdict is judged(broken, broken).verdict is ComparisonVerdict.NONFINITE


@given(cell=CELLS, pair=st.permutations([math.nan, math.inf, -math.inf, 1e308, -0.0]))
def test_two_numbers_that_are_not_finite_agree_only_when_they_are_the_same(cell, pair):
    """NaN is not infinity, and neither is a large number, however wide the tolerance."""
    loose = {name: Tolerance(rtol=1e9, atol=math.inf) for name in NUMBERS}
    sides = [with_cell(frame_of(STEPS), *cell, value) for value in pair[:2]]
    first = judged(*sides, loose).first
    if all(math.isfinite(value) for value in pair[:2]):
        assert first is None
    else:
        assert (first.step, first.column) == cell


@given(step=st.integers(0, STEPS - 1), column=st.sampled_from(OPTIONAL), side=st.booleans())
def test_an_empty_cell_equals_an_empty_cell_alone(step, column, side):
    """A quantity that does not exist on one side and does on the other is a difference; on neither it is none."""
    empty = with_cell(frame_of(STEPS), step, column, None)
    sides = (empty, frame_of(STEPS)) if side else (frame_of(STEPS), empty)
    assert judged(*sides, tolerances={column: Tolerance(rtol=1e9, atol=1e9), **ALL}).first.column == column
    assert judged(empty, empty).verdict is ComparisonVerdict.PASS


@given(step=st.integers(0, STEPS - 1))
def test_a_different_batch_fails(step):
    """Text agrees to the letter or not at all."""
    first = judged(with_cell(frame_of(STEPS), step, "batch_hash", "other")).first
    assert (first.step, first.column, first.actual) == (step, "batch_hash", "other")


@given(step=st.integers(0, STEPS - 1))
def test_a_missing_step_fails(step):
    """A trace that lacks a step is no trace of the same run, wherever the step is."""
    frame = frame_of(STEPS).drop(index=step)
    assert lawful(judged(frame), misplaced=1)
    assert judged(frame).verdict is ComparisonVerdict.CONTRACT
    assert judged(frame_of(STEPS), frame).verdict is ComparisonVerdict.CONTRACT


@given(step=st.integers(0, STEPS - 2))
def test_duplicated_reordered_and_foreign_steps_fail(step):
    """Steps stand in order, once each, and from the golden's first."""
    duplicated = frame_of(STEPS)
    duplicated.loc[step + 1] = duplicated.loc[step]
    reordered = frame_of(STEPS).iloc[[*range(step), step + 1, step, *range(step + 2, STEPS)]]
    shifted = frame_of(STEPS).assign(step=range(1, STEPS + 1))
    for frame in (duplicated, reordered, shifted):
        assert judged(frame).verdict is ComparisonVerdict.CONTRACT


@given(column=st.sampled_from(NAMES))
def test_a_missing_renamed_or_extra_column_fails(column):
    """The columns are those of a trace, in its order."""
    frame = frame_of(STEPS)
    if column != "step":
        assert judged(frame.drop(columns=column)).verdict is ComparisonVerdict.CONTRACT
        assert judged(frame.rename(columns={column: "other"})).verdict is ComparisonVerdict.CONTRACT
    assert judged(frame.assign(other=1.0)).verdict is ComparisonVerdict.CONTRACT


@given(pair=st.lists(st.integers(1, len(NAMES) - 1), min_size=2, max_size=2, unique=True))
def test_columns_in_another_order_fail(pair):
    """The order is the causal one, for the first difference is read off it."""
    names = list(NAMES)
    names[pair[0]], names[pair[1]] = names[pair[1]], names[pair[0]]
    assert judged(frame_of(STEPS)[names]).verdict is ComparisonVerdict.CONTRACT


@given(column=st.sampled_from([name for name in NUMBERS if name not in OPTIONAL]))
def test_another_type_fails(column):
    """Whole numbers where floats belong are another trace, even when they are equal."""
    frame = frame_of(STEPS).assign(**{column: 1.0})
    table = table_from_frame(frame)
    narrowed = table.numbers[column].values.astype("int64")
    table.numbers[column] = type(table.numbers[column])(narrowed, table.numbers[column].empty)
    assert compare(table, table_from_frame(frame), ALL).verdict is ComparisonVerdict.CONTRACT


def test_an_empty_trace_fails():
    """Nothing agrees with nothing, and proves nothing."""
    assert judged(frame_of(STEPS).iloc[:0], frame_of(STEPS).iloc[:0]).verdict is ComparisonVerdict.CONTRACT


@given(cell=CELLS, size=st.floats(0, 1), tight=st.floats(0, 0.5), slack=st.floats(0, 0.5))
def test_a_wider_tolerance_never_fails_what_a_tighter_one_passes(cell, size, tight, slack):
    """The verdict is monotone in the tolerance."""
    frame = moved(cell, 1 + size)
    narrow, wide = ({name: Tolerance(rtol=rtol) for name in NUMBERS} for rtol in (tight, tight + slack))
    if judged(frame, tolerances=narrow).verdict is ComparisonVerdict.PASS:
        assert judged(frame, tolerances=wide).verdict is ComparisonVerdict.PASS


@given(cells=st.lists(CELLS, min_size=1, max_size=8, unique=True), signs=st.lists(SIGNS, min_size=8, max_size=8))
def test_the_first_divergence_is_the_earliest_step_then_the_earliest_stage(cells, signs):
    """Of many differences, opposite in sign or not, the one reported is the first by step and causal order."""
    frame = frame_of(STEPS)
    for (step, column), sign in zip(cells, signs, strict=False):
        frame = with_cell(frame, step, column, float(frame_of(STEPS).loc[step, column]) * (1 + 0.1 * sign))
    comparison = judged(frame)
    step, rank = min((step, NAMES.index(column)) for step, column in cells)
    assert (comparison.first.step, comparison.first.column) == (step, NAMES[rank])
    assert comparison.unchanged == NAMES[:rank]
    assert sum(comparison.differing.values()) == len(cells)


@given(atol=st.floats(1e-6, 0.1), size=st.floats(0, 0.2), zero=st.booleans())
def test_an_absolute_tolerance_adds_to_the_relative_one(atol, size, zero):
    """|a - g| <= atol + rtol |g|, also where the golden value is zero."""
    value = 0.0 if zero else 1.0
    golden = with_cell(frame_of(STEPS), 2, "lr", value)
    frame = with_cell(frame_of(STEPS), 2, "lr", value + size)
    allowed = atol + 1e-3 * value
    if abs(size - allowed) > 1e-9:
        verdict = judged(frame, golden, {**ALL, "lr": Tolerance(rtol=1e-3, atol=atol)}).verdict
        assert (verdict is ComparisonVerdict.PASS) == (size < allowed)


def test_a_negative_tolerance_is_never_met():
    """A tolerance that cannot be met fails instead of passing everything."""
    assert judged(frame_of(STEPS), tolerances={"lr": Tolerance(rtol=-1.0)}).verdict is ComparisonVerdict.REGRESSED
    assert judged(frame_of(STEPS), tolerances={"lr": Tolerance(rtol=math.nan)}).verdict is ComparisonVerdict.REGRESSED
    assert Tolerance(0.0, 0.0, 0.0) == EXACT
