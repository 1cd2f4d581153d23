"""What a comparison tells its reader."""

from dataclasses import replace

import pytest
from neuromf_spec.registry import laws

from neuromf.comparison.comparator import Divergence, Tolerance, compare
from neuromf.comparison.message import Context, explain
from neuromf.comparison.stages import STAGES, stage_of
from neuromf.comparison.table import table_from_frame
from neuromf.trace.columns import COLUMNS, NAMES
from tests.support.trace_strategies import frame_of, with_cell

TOLERANCES = {name: Tolerance(rtol=1e-5, noise=1e-7) for name in NAMES if name not in ("step", "batch_hash")}


def told(frame, **known):
    comparison = compare(table_from_frame(frame), table_from_frame(frame_of(4)), TOLERANCES)
    return explain(comparison, Context("run against case", TOLERANCES, **known))


def test_a_regression_is_told_with_step_column_stage_values_and_distance():
    """The message names where, the two values, and how many times the measured noise they are apart."""
    golden = frame_of(4)
    text = told(with_cell(golden, 2, "w_mean", float(golden.loc[2, "w_mean"]) * 1.62))
    assert "REGRESSED run against case: 4 steps compared" in text
    assert "step 2, column w_mean (stage weighting" in text
    assert f"golden {golden.loc[2, 'w_mean']:.9g}" in text
    assert "62 % off, 6.2e+06 times the measured noise" in text


def test_the_columns_before_the_first_divergence_are_told_as_equal():
    """What is equal up to there rules the earlier stages out."""
    text = told(with_cell(frame_of(4), 1, "t_mean", 9.0))
    assert "equal up to there: step batch_hash\n" in text


def test_the_whole_message_of_the_first_cell_and_of_the_last():
    """Nothing before it, nothing after it, no key: each is said in its word; of several, each is listed."""
    last, batch, lr = frame_of(4), stage_of("batch_hash"), stage_of("lr")
    assert told(with_cell(last, 0, "batch_hash", "x"), config_changes={}) == (
        "REGRESSED run against case: 4 steps compared\n"
        f"  first divergence: step 0, column batch_hash (stage {batch.name}: {batch.what})\n"
        f"  golden {last['batch_hash'][0]}, found x\n"
        "  equal up to there: step\n"
        "  also beyond tolerance: nothing\n"
        f"  laws: {', '.join(batch.laws)}\n"
        f"  keys that set this stage: {', '.join(batch.keys)}\n"
        "  configuration: no key differs\n"
    )
    for column in ("lr", "update_rms", "ema_gap"):
        last = with_cell(last, 3, column, 9.0)
    text = told(last, config_changes={"a.b": (1, 2), "c.d": (3, 4)}, next_command="do")
    assert f"  equal up to there: {' '.join(NAMES[: NAMES.index('lr')])}\n" in text
    assert "  also beyond tolerance: update_rms in 1 steps, ema_gap in 1 steps\n" in text
    assert f"  laws: {', '.join(lr.laws)}\n  keys that set this stage: {', '.join(lr.keys)}\n" in text
    assert text.endswith("  configuration: a.b 1 -> 2; c.d 3 -> 4\n  next: do\n")


def test_of_traces_that_part_in_their_first_column_nothing_is_equal():
    """`step` is the first of all; steps of another number are told by it."""
    golden, table = (table_from_frame(frame_of(2)) for _ in range(2))
    first = Divergence(0, "step", "data", 0.0, 1.0)
    comparison = replace(compare(table, golden, {}), first=first, differing={"step": 1}, unchanged=())
    assert "  equal up to there: nothing\n" in explain(comparison, Context("a run"))


def test_laws_keys_and_changes_are_told():
    """The message names the laws of the stage, the keys that set it, those that differ, and what to type next."""
    changed = with_cell(frame_of(4), 0, "lr", 9.0)
    text = told(changed, config_changes={"training.learning_rate": (0.001, 0.01)}, next_command="neuromf golden diff x")
    assert "laws: LR-001, LR-002, OPT-001, OPT-002" in text
    assert "training.learning_rate 0.001 -> 0.01" in text
    assert "next: neuromf golden diff x" in text


def test_the_other_columns_beyond_tolerance_are_counted():
    """What follows from the first divergence is counted, not listed cell by cell."""
    frame = with_cell(with_cell(with_cell(frame_of(4), 0, "lr", 9.0), 1, "lr", 9.0), 3, "ema_gap", 9.0)
    assert "also beyond tolerance: ema_gap in 1 steps" in told(frame)


def test_a_number_that_is_not_finite_is_told_beside_the_first_difference():
    """A run that differs from step 1 and is NaN from step 2 is told by both."""
    text = told(with_cell(with_cell(frame_of(4), 1, "lr", 9.0), 2, "raw_total", float("nan")))
    assert text.startswith("NONFINITE run against case: 4 steps compared\n  first divergence: step 1, column lr")
    assert "first number that is not finite: step 2, column raw_total, golden" in text
    assert "found nan\n" in text


def test_two_traces_that_broke_down_alike_are_told_to_be_equal():
    """No cell differs, and they fail all the same: the message says both."""
    broken = table_from_frame(with_cell(frame_of(4), 2, "lr", float("inf")))
    text = explain(compare(broken, broken, TOLERANCES), Context("run against its repeat", TOLERANCES))
    assert "first divergence" not in text
    assert "first number that is not finite: step 2, column lr, golden inf, found inf\n  no cell differs" in text


def test_a_pass_says_so_in_one_line():
    """Nothing is told where nothing differs."""
    assert told(frame_of(4)) == "PASS run against case: 4 steps compared\n"


def test_a_broken_contract_is_told_in_a_sentence():
    """Traces that cannot be compared say why."""
    text = told(frame_of(4).drop(columns="lr"))
    assert text.startswith("CONTRACT run against case: 0 steps compared\n  the trace lacks ['lr']")


def test_of_a_shorter_trace_the_common_steps_are_compared():
    """A run that was halted is told by its number of steps, and by where it left the other before that."""
    assert told(frame_of(4).iloc[:3]).startswith(
        "CONTRACT run against case: 3 steps compared\n  3 steps instead of 4\n"
    )
    parted = told(with_cell(frame_of(4), 1, "lr", 9.0).iloc[:3])
    assert "3 steps instead of 4\n  first divergence: step 1, column lr" in parted


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_every_column_has_a_stage_with_laws(column):
    """Each column's stage is described, and its laws are in the registry."""
    stage = stage_of(column.name)
    assert stage.laws
    assert set(stage.laws) <= set(laws())


def test_stages_stand_in_the_order_of_the_columns():
    """The causal order of the stages is that of the trace."""
    assert list(STAGES) == list(dict.fromkeys(column.stage for column in COLUMNS))
