"""The failed run replayed from its record."""

import numpy as np
import pandas as pd
import pytest
from neuromf_spec.reference.failed_run import EPOCHS, FAILED_RUN_START, RECORDED_CHANNELS, recorded_curve
from pandera.errors import SchemaError

from neuromf.replay.recorded import CURVE_SCHEMAS, RUNS, curve
from neuromf.replay.rules import readings, rules
from neuromf.replay.small_scale import REPAIRS, small_config
from neuromf.replay.train import epoch_curve, jobs, read_curves
from neuromf.replay.verdict import judge_repairs

FAILED, NEXT = RUNS["failed_225"], RUNS["public_v1"]


def test_the_recorded_curve_is_the_one_the_guard_tests_itself_on():
    """File and reference hold the same five epochs, four channels each."""
    table = curve("failed_225").set_index("epoch")
    assert {epoch: tuple(table.loc[epoch, [f"ch{c}" for c in range(4)]]) for epoch in table.index} == RECORDED_CHANNELS
    assert (table["loss_mean"] == 2.0).all()
    assert (table["loss_std"] == 0.0).all()
    assert FAILED.levels == recorded_curve()
    assert FAILED.start.total == FAILED_RUN_START


def test_every_fact_has_a_section_and_a_quote():
    """Nothing is recorded that the review does not print."""
    assert all(fact.section and fact.quote for run in RUNS.values() for fact in run.facts.values())
    facts = FAILED.facts
    assert facts["epochs"].value == EPOCHS
    assert facts["raw_loss_epoch_224"].value == sum(RECORDED_CHANNELS[224])
    assert facts["raw_loss_epoch_24"].value == sum(RECORDED_CHANNELS[24])
    assert facts["grad_norm_out_epoch_0"].value == 1.398


@pytest.mark.parametrize("change", [{"epoch": [3, 2]}, {"ch0": [0.0, 1.0]}, {"loss_std": [-1.0, 0.0]}])
def test_a_table_of_another_form_is_refused(change):
    """Epochs rise and losses are positive."""
    table = pd.DataFrame(
        {"epoch": [1, 2], **{f"ch{c}": [1.0, 2.0] for c in range(4)}, "loss_mean": 2.0, "loss_std": 0.0}
    )
    CURVE_SCHEMAS["failed_225"].validate(table)
    with pytest.raises(SchemaError):
        CURVE_SCHEMAS["failed_225"].validate(table.assign(**change))


def test_two_is_printed_in_every_epoch_and_the_objective_rises():
    """In float32 both weighted terms round to 1; the potential tells the 4,817-fold growth."""
    table = readings(FAILED)
    assert [r.printed for r in table] == [2.0] * 5
    assert all(0 < 2 - r.exact < 1e-8 for r in table)
    assert (np.diff([r.objective for r in table]) > 0).all()
    assert table[-1].objective - table[0].objective == pytest.approx(2 * np.log(2_519_424 / 523), abs=1e-6)


def test_the_rules_speak_when_they_are_known_to():
    """Gate before the launch, anchor at the first record, the climb at 122, the review's rule at 155, NaN never."""
    found = {rule.name: rule.epoch for rule in rules(FAILED)}
    assert found["static gate"] == 0
    assert found["guard, warn: predicting nothing"] == found["weighted loss alone"] == 24
    assert found["guard, warn: climb from the best level"] == 105
    assert found["guard, warn: multiple of the first loss"] == 114
    assert found["guard, halt: climb from the best level"] == 122
    assert found["guard, halt: multiple of the first loss"] == 155
    assert found["non-finite numbers"] is None


def test_hours_are_saved_by_rules_that_halt_alone():
    """A warning saves nothing; a halt saves what would have followed."""
    found = {rule.name: rule.saved for rule in rules(FAILED)}
    assert FAILED.hours == pytest.approx(2 * (5 + 8 / 60))
    assert found["static gate"] == 1.0
    assert found["guard, halt: climb from the best level"] == pytest.approx(103 / 225)
    assert found["guard, warn: predicting nothing"] == found["non-finite numbers"] == 0.0


def test_the_next_run_is_left_alone_until_its_best_samples_are_made():
    """The public code's next run, with its benign bump of 7.5 times, is halted after epoch 175 and not before."""
    found = {rule.name: rule.epoch for rule in rules(NEXT)}
    assert found["guard, halt: climb from the best level"] == 187
    assert min(rule.epoch for rule in rules(NEXT) if rule.halts and rule.epoch is not None) > 175
    assert "static gate" not in found
    assert NEXT.hours is None
    assert all(0.999999 <= reading.printed <= 1 for reading in readings(NEXT))


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda repair: repair.name)
def test_every_repair_is_a_configuration_of_the_same_samples(repair):
    """A repair changes what it names; all trainings see as many micro-batches."""
    config = small_config(repair, 1, epochs=9)
    assert config.training.epochs * config.training.micro_batches_per_epoch == 270
    assert config.training.divergence_threshold is None
    assert config.training.seed == 1
    warm = config.training.warmup_steps * config.training.gradient_accumulation_steps
    assert warm in (0, 200)


def table_of(levels, weighted_std=0.0):
    frame = pd.DataFrame({"raw_mf": levels, "raw_fm": levels, "weighted": 2.0, "weighted_std": weighted_std})
    frame.index.name = "epoch"
    return frame


def test_an_explosion_is_counted_by_seed():
    """A training whose last tenth is ten times its first epoch has exploded; NaN has too."""
    curves = {
        "none": [table_of([1.0] * 10 + [50.0] * 10), table_of([1.0] * 20), table_of([1.0] * 19 + [np.nan])],
        "time_scale": [table_of([1.0] * 10 + [0.5] * 10)],
        "float32": [table_of([1.0] * 10 + [5.0] * 10)],
    }
    none, healthy, stalled = judge_repairs(curves)
    assert (none.exploded, none.seeds, none.says) == (2, 3, "explodes in 2 of 3")
    assert (healthy.says, healthy.ends) == ("healthy", (0.5,))
    assert stalled.says == "does not explode, does not learn"


def test_only_missing_trainings_are_planned(tmp_path):
    """A series that was interrupted goes on with what is not there yet."""
    (tmp_path / "none.seed0.csv").write_text("epoch,raw_mf\n0,1.0\n")
    todo = jobs(tmp_path, ["none", "beta2"], 2, 3)
    assert [(job.repair, job.seed) for job in todo] == [("beta2", 0), ("none", 1), ("beta2", 1)]
    assert [len(tables) for tables in read_curves(tmp_path, ["none", "beta2"], 2).values()] == [1, 0]


def test_a_curve_is_the_median_of_each_epoch():
    """Steps are summed up by the epoch that they belong to."""
    config = small_config(REPAIRS[0], 0, epochs=2)
    columns = ("raw_fm", "raw_mf", "raw_ch0", "raw_ch1", "raw_ch2", "raw_ch3", "weighted", "grad_norm", "lr")
    trace = pd.DataFrame({"step": range(60), **{name: np.arange(60.0) for name in columns}})
    found = epoch_curve(trace, config)
    assert found["raw_mf"].tolist() == [14.5, 44.5]
    assert found["weighted_std"].iloc[0] == pytest.approx(np.arange(30.0).std())
