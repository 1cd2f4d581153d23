"""The stage that a comparison names is the one that parted, whatever came of it further on."""

import pytest
from neuromf_spec.registry import laws

from neuromf.comparison.comparator import compare
from neuromf.comparison.message import Context, explain, where_different
from neuromf.comparison.stages import STAGES
from neuromf.config import Config
from neuromf.trace.columns import COLUMNS, NAMES
from tests.support.trace_strategies import moved_cells, table_of, table_with

pytestmark = pytest.mark.law("CMP-001")

STEPS = 4
TABLE = table_of(STEPS)
STAGE_OF = {
    "schedule": "step",
    "batch": "batch_hash",
    "times": "t_mean h_mean frac_fm",
    "path": "z_rms v_rms",
    "forward": "u_rms",
    "derivative": "dudt_rms rho",
    "target": "target_rms",
    "loss": "raw_fm raw_mf raw_total raw_ch0 raw_ch1 raw_ch2 raw_ch3 raw_v_head",
    "weighting": "w_mean w_sat weighted objective",
    "gradient": "grad_norm grad_zeros clip_frac",
    "optimiser": "lr update_rms param_rms",
    "ema": "ema_gap",
}
"""Every column in causal order, by the part of a step that computes it."""
PARTING = [column for column in COLUMNS if column.name != "step"]


def test_the_columns_stand_in_the_order_in_which_a_step_computes_them():
    """Stages and columns, each where it is computed from what stands before it."""
    assert [(column.stage, column.name) for column in COLUMNS] == [
        (stage, name) for stage, names in STAGE_OF.items() for name in names.split()
    ]


def told(cells, *, swapped=False):
    """Comparison and message of a trace with some cells moved against the trace, or the other way round."""
    sides = (table_with(TABLE, cells), TABLE)
    comparison = compare(*(sides[::-1] if swapped else sides), {})
    return comparison, explain(comparison, Context("a run"))


@pytest.mark.parametrize("column", PARTING, ids=lambda column: column.name)
def test_a_column_names_its_stage_alone_and_with_all_that_follows(column):
    """Alone; with every later column of the step; and with every cell of the steps after it: the stage is the same."""
    place = NAMES.index(column.name)
    stage = next(stage for stage, names in STAGE_OF.items() if column.name in names.split())
    for step, swapped in ((0, False), (2, True), (STEPS - 1, False)):
        alone = moved_cells(TABLE, step, (column.name,))
        behind = alone | moved_cells(TABLE, step, NAMES[place + 1 :])
        everything = dict(behind)
        for later in range(step + 1, STEPS):
            everything |= moved_cells(TABLE, later, NAMES[1:])
        for cells in (alone, behind, everything):
            comparison, text = told(cells, swapped=swapped)
            first = comparison.first
            assert (first.step, first.column, first.stage) == (step, column.name, stage)
            assert comparison.suspect is first
            assert comparison.unchanged == NAMES[:place]
            assert f"step {step}, column {column.name} (stage {stage}: {STAGES[stage].what})" in text
            assert f"laws: {', '.join(STAGES[stage].laws)}\n" in text
            assert where_different(comparison) == f"differs first at step {step}, column {column.name}"


@pytest.mark.parametrize("column", PARTING, ids=lambda column: column.name)
def test_the_steps_in_which_each_column_parts_are_counted(column):
    """By column, and of the others than the first in the message."""
    cells = [moved_cells(TABLE, *place) for place in ((0, ("ema_gap",)), (1, (column.name,)), (3, (column.name,)))]
    comparison, text = told(cells[0] | cells[1] | cells[2])
    also = column.name == "ema_gap"
    assert comparison.differing == {"ema_gap": 1 + 2 * also, **({} if also else {column.name: 2})}
    assert ("beyond tolerance: nothing" if also else f"beyond tolerance: {column.name} in 2 steps") in text


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_the_laws_and_keys_of_a_stage_are_those_of_this_code(stage):
    """Each law is in the registry, and each key is a section of the configuration or a key in one."""
    assert stage.laws
    assert set(stage.laws) <= set(laws())
    for key in stage.keys:
        section, _, name = key.partition(".")
        assert section in Config.model_fields
        assert not name or name in Config.model_fields[section].annotation.model_fields
