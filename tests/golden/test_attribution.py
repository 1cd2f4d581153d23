"""Faults put into the trainer against a golden: the first divergence names the stage that is at fault.

Not among the unit tests: two dozen small trainings.
"""

import contextlib
from unittest import mock

import pytest
from pandas import DataFrame

from neuromf.comparison.comparator import ComparisonVerdict, compare
from neuromf.comparison.stages import STAGES
from neuromf.comparison.table import TraceTable, table_from_frame
from neuromf.golden.case import read_case
from neuromf.golden.runner import run_steps, threads
from neuromf.golden.store import golden_table, tolerance_frame
from neuromf.golden.tolerances import tolerances_from
from neuromf.training.step import metrics
from tools.golden.faults import FAULTS, NumericalFault
from tools.golden.noise import PERTURBATIONS

CASE = read_case("x_exact")
STEPS = 6
UNSEEN = {"clamp"}
"""No t of the case's first steps is below 1.5 t_min, where the clamp acts."""


@contextlib.contextmanager
def spoilt_column(name):
    """One number of the row a tenth too high, where the row is made of sums."""
    original = metrics.batch_columns

    def spoilt(sums):
        row = original(sums)
        return row | {name: 1.1 * row[name]}

    with mock.patch.object(metrics, "batch_columns", spoilt):
        yield


ROWS = tuple(
    NumericalFault(name, law, stage, "recorded a tenth too high", code=lambda name=name: spoilt_column(name))
    for name, law, stage in (
        ("frac_fm", "TIME-002", "times"),
        ("u_rms", "PRED-001", "forward"),
        ("target_rms", "ID-001", "target"),
        ("raw_total", "PRED-002", "loss"),
        ("raw_ch3", "PRED-002", "loss"),
        ("objective", "WGT-004", "weighting"),
    )
)
"""Numbers that are wrong only where they are recorded."""


def test_every_stage_has_a_fault():
    """A stage that no fault shows could be misnamed unnoticed; the step's own number is what rows are compared by."""
    assert {fault.stage for fault in (*FAULTS, *ROWS)} == set(STAGES) - {"schedule"}


def golden_start():
    """The golden's first steps."""
    table = golden_table(CASE)
    numbers = {n: type(c)(c.values[:STEPS], c.empty[:STEPS]) for n, c in table.numbers.items()}
    return TraceTable(table.columns, {n: texts[:STEPS] for n, texts in table.texts.items()}, numbers)


def compared(config, context, prepare=None):
    with threads(1), context:
        run = run_steps(config, STEPS, prepare)
    assert isinstance(run.frame, DataFrame)
    return compare(table_from_frame(run.frame), golden_start(), tolerances_from(tolerance_frame(CASE)))


@pytest.mark.parametrize("fault", [f for f in (*FAULTS, *ROWS) if f.name not in UNSEEN], ids=lambda fault: fault.name)
def test_the_first_divergence_names_the_stage_at_fault(fault):
    """A wrong number in one stage is seen there first, with every earlier stage equal."""
    comparison = compared(fault.changed(CASE.config), fault.injected())
    assert comparison.verdict is ComparisonVerdict.REGRESSED
    assert comparison.first.stage == fault.stage, comparison.first


@pytest.mark.parametrize("change", PERTURBATIONS, ids=lambda change: change.name)
def test_a_benign_change_is_no_regression(change):
    """Threads, kernels, a unit in the last place, another cut or another kernel of the optimiser blame nobody."""
    assert compared(change.config(CASE.config), change.context(), change.state).verdict is ComparisonVerdict.PASS
