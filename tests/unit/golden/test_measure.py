"""From measured noise and effects to tolerances."""

import math

import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaError

from neuromf.comparison.table import table_from_frame
from neuromf.golden.case import read_case
from neuromf.golden.runner import CaseRun
from neuromf.golden.tolerances import FLOOR, TOLERANCE_SCHEMA, relative_differences, tolerances_from
from neuromf.trace.columns import NAMES
from tests.support.trace_strategies import frame_of, with_cell
from tools.golden.faults import FAULTS
from tools.golden.measure import CaseMeasurement, tolerance_table, undetected_laws

BASE = CaseRun(frame_of(4), "0" * 64)


def measured(noise, effects):
    """A measurement in which only the named cells are not zero."""
    tables = []
    for names, cells in ((["threads", "kernels"], noise), ([fault.name for fault in FAULTS], effects)):
        table = pd.DataFrame(0.0, index=names, columns=list(NAMES))
        for (row, column), value in cells.items():
            table.loc[row, column] = value
        tables.append(table)
    return CaseMeasurement(BASE, *tables)


def row_of(measurement, column):
    return tolerance_table(measurement).set_index("column").loc[column]


def test_the_tolerance_is_the_geometric_mean_of_noise_and_smallest_effect():
    """Between noise 4e-6 and effect 1e-2 lies 2e-4, as far from a false alarm as from a miss."""
    measurement = measured({("threads", "raw_fm"): 4e-6}, {("beta2", "raw_fm"): 1e-2, ("norm_eps", "raw_fm"): 0.5})
    row = row_of(measurement, "raw_fm")
    assert (row["kind"], row["noisiest"], row["weakest"]) == ("measured", "threads", "beta2")
    assert row["rtol"] == pytest.approx(2e-4, rel=1e-9)


def test_noise_below_the_stored_digits_counts_as_the_floor():
    """A column without noise is given that of nine digits and another processor."""
    row = row_of(measured({}, {("beta2", "raw_fm"): 1e-2}), "raw_fm")
    assert row["rtol"] == pytest.approx(math.sqrt(FLOOR * 1e-2), rel=1e-9)


@pytest.mark.parametrize(("effect", "kind"), [(9.9e-5, "demoted"), (1.1e-4, "measured")])
def test_a_column_that_does_not_separate_by_ten_is_demoted(effect, kind):
    """An effect below ten times the noise cannot be told from it."""
    row = row_of(measured({("kernels", "rho"): 1e-5}, {("tangent", "rho"): effect}), "rho")
    assert row["kind"] == kind


def test_an_effect_within_the_noise_does_not_lower_the_tolerance():
    """A fault that hardly moves a column says nothing of it; the next one does."""
    cells = {("beta2", "rho"): 2e-5, ("tangent", "rho"): 1e-2}
    assert row_of(measured({("kernels", "rho"): 1e-5}, cells), "rho")["weakest"] == "tangent"


@pytest.mark.parametrize("noise", [1e-6, 1e-3, 1.1e-2, 0.05])
def test_a_tolerance_is_never_below_the_noise(noise):
    """Whatever benign changes do to a column is no regression, also where that is more than a hundredth."""
    row = row_of(measured({("threads", "grad_norm"): noise}, {("tangent", "grad_norm"): 20 * noise}), "grad_norm")
    assert row["rtol"] > noise


def test_counts_and_closed_forms_are_exact():
    """The learning rate agrees to the last digit or not at all."""
    row = row_of(measured({}, {("learning_rate", "lr"): 1e-2}), "lr")
    assert (row["kind"], row["rtol"]) == ("exact", 0.0)


def test_an_empty_column_is_absent():
    """A quantity that the case does not have needs no tolerance."""
    frame = frame_of(4).assign(raw_v_head="")
    measurement = CaseMeasurement(CaseRun(frame, ""), measured({}, {}).noise, measured({}, {}).effects)
    assert row_of(measurement, "raw_v_head")["kind"] == "absent"


def test_a_huge_effect_does_not_widen_the_tolerance_beyond_a_hundredth():
    """A fault that changes a number a thousandfold is no reason to forgive ten per cent."""
    row = row_of(measured({("kernels", "rho"): 1e-3}, {("tangent", "rho"): math.inf}), "rho")
    assert row["rtol"] == 1e-2


def test_a_demoted_column_may_be_anything_finite():
    """Its tolerance is without bound, and NaN still fails in the comparator."""
    table = tolerance_table(measured({("kernels", "rho"): 1e-3}, {}))
    assert tolerances_from(table)["rho"].atol == math.inf
    assert tolerances_from(table)["lr"].atol == 0.0


def test_a_law_whose_faults_no_column_shows_is_undetected():
    """A claim is held by a fault that is beyond some column's tolerance, or not at all."""
    case = read_case("finite_difference")
    blind = measured({}, {})
    assert undetected_laws(case, blind, tolerance_table(blind)) == case.contract.laws
    seeing = measured({}, {(fault.name, "raw_fm"): 0.1 for fault in FAULTS})
    assert undetected_laws(case, seeing, tolerance_table(seeing)) == []


def test_relative_differences_are_the_largest_over_all_steps():
    """Per column, of all steps; a cell that comes, goes or is not finite is infinitely far."""
    golden = frame_of(4)
    frame = with_cell(with_cell(golden, 1, "lr", 1.1 * golden.loc[1, "lr"]), 2, "lr", 1.2 * golden.loc[2, "lr"])
    frame = with_cell(with_cell(frame, 0, "rho", None), 3, "z_rms", np.nan)
    found = relative_differences(table_from_frame(frame), table_from_frame(golden))
    assert found["lr"] == pytest.approx(0.2, rel=1e-9)
    assert (found["rho"], found["z_rms"], found["u_rms"]) == (math.inf, math.inf, 0.0)


@pytest.mark.parametrize("change", [{"kind": "loose"}, {"rtol": -1.0}, {"column": "other"}])
def test_a_table_of_another_form_is_refused(change):
    """An unknown class, a negative tolerance or a foreign column is no table of tolerances."""
    table = tolerance_table(measured({}, {}))
    for name, value in change.items():
        table.loc[3, name] = value
    with pytest.raises(SchemaError):
        TOLERANCE_SCHEMA.validate(table)
