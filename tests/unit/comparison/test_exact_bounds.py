"""The comparator at its bounds: for every column and kind of tolerance the last number that passes and the next one."""

import math

import pandas as pd
import pytest

from neuromf.comparison.comparator import ComparisonVerdict, Tolerance, compare
from neuromf.comparison.table import table_from_frame
from neuromf.golden.tolerances import TOLERANCE_SCHEMA, tolerances_from
from neuromf.trace.columns import COLUMNS, NAMES
from tests.support.trace_strategies import NUMBERS, OPTIONAL, frame_of, moved_cells, table_of, table_with

pytestmark = pytest.mark.law("CMP-001")

STEPS = 3
TABLE = table_of(STEPS)
SMALL = 2.0**-10
"""A power of two, so that a bound is met to the last digit."""
KINDS = {
    "exact": (Tolerance(), 1.5, 0.0),
    "exact, golden zero": (Tolerance(), 0.0, 0.0),
    "relative": (Tolerance(rtol=SMALL), 1.0, SMALL),
    "relative to a negative number": (Tolerance(rtol=SMALL), -2.0, 2 * SMALL),
    "relative, golden zero": (Tolerance(rtol=SMALL), 0.0, 0.0),
    "absolute": (Tolerance(atol=SMALL), 1.0, SMALL),
    "absolute, golden zero": (Tolerance(atol=SMALL), 0.0, SMALL),
    "both": (Tolerance(rtol=SMALL, atol=2 * SMALL), 4.0, 6 * SMALL),
}
"""A tolerance, a golden value, and how far from it a number may be."""
VERDICTS = (ComparisonVerdict.PASS, ComparisonVerdict.REGRESSED)


def verdict(column, golden, actual, tolerance, step):
    """Of two traces that are alike but for one cell."""
    return compare(*(table_with(TABLE, {(step, column): value}) for value in (actual, golden)), {column: tolerance})


@pytest.mark.parametrize("column", NUMBERS)
def test_a_number_passes_up_to_its_bound_and_not_one_digit_beyond(column):
    """Above and below the golden value, in the first and the last step, for every kind of tolerance."""
    for kind, (tolerance, golden, allowed) in KINDS.items():
        for step, sign in ((0, 1), (STEPS - 1, -1)):
            bound = golden + sign * allowed
            beyond = math.nextafter(bound, sign * math.inf)
            found = [verdict(column, golden, value, tolerance, step) for value in (bound, beyond)]
            assert tuple(one.verdict for one in found) == VERDICTS, kind
            first = found[1].first
            assert (first.step, first.column, first.golden, first.actual) == (step, column, golden, beyond)


@pytest.mark.parametrize("column", NAMES)
def test_a_tolerance_of_one_column_forgives_no_other(column):
    """What is allowed of one is not allowed of the rest, whose own tolerance is none."""
    moved = table_with(TABLE, moved_cells(TABLE, 1, NUMBERS))
    assert set(compare(moved, TABLE, {column: Tolerance(rtol=0.75)}).differing) == {*NUMBERS} - {column}


def measured(column, kind):
    """A table of tolerances in which one column is of a kind, noise 1e-4, tolerance 2^-10, and the others exact."""
    rows = [
        [c.name, kind, 1e-4, None, 0.1, None, SMALL if kind in ("measured", "demoted") else 0.0]
        if c.name == column
        else [c.name, "exact", 0.0, None, 0.0, None, 0.0]
        for c in COLUMNS
    ]
    return tolerances_from(TOLERANCE_SCHEMA.validate(pd.DataFrame(rows, columns=list(TOLERANCE_SCHEMA.columns))))


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize(
    ("kind", "passes", "fails"),
    [
        ("exact", (1.0,), (1 + 2**-52,)),
        ("measured", (1 + SMALL, 1 - SMALL), (1 + SMALL + 2**-52, 1 - SMALL - 2**-52)),
        ("demoted", (1 + 2 * SMALL, -1e300, 0.0), ()),
    ],
)
def test_a_measured_table_means_what_its_kinds_say(column, kind, passes, fails):
    """Exact to the digit, within the tolerance, or anything finite; never a number that is none, nor an empty cell."""
    tolerances = measured(column, kind)
    golden = table_with(TABLE, {(1, column): 1.0})

    def found(value):
        return compare(table_with(TABLE, {(1, column): value}), golden, tolerances).verdict

    assert [found(value) for value in passes] == [ComparisonVerdict.PASS] * len(passes)
    assert [found(value) for value in fails] == [ComparisonVerdict.REGRESSED] * len(fails)
    assert {found(value) for value in (math.nan, math.inf, -math.inf)} == {ComparisonVerdict.NONFINITE}
    if column in OPTIONAL:
        assert found(None) is ComparisonVerdict.REGRESSED


def test_the_noise_of_a_table_is_the_unit_of_distances():
    """Measured noise, and a tenth of the smallest tolerance where none was measured."""
    tolerances = measured("rho", "measured")
    assert (tolerances["rho"].noise, tolerances["lr"].noise) == (1e-4, pytest.approx(1e-7))


@pytest.mark.parametrize("side", ["golden", "trace"])
def test_either_side_may_break_the_contract_and_is_named(side):
    """A missing column, a foreign one, another order and no step at all are told of the side that has them."""
    frame = frame_of(STEPS)
    for broken in (frame.drop(columns="rho"), frame.assign(other=1.0), frame[list(NAMES[::-1])], frame.iloc[:0]):
        sides = (frame, broken) if side == "golden" else (broken, frame)
        comparison = compare(*(table_from_frame(one) for one in sides), {})
        assert (comparison.verdict, comparison.first) == (ComparisonVerdict.CONTRACT, None)
        assert comparison.problem.startswith(f"the {side} ")
