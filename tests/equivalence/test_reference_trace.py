"""The trainer's own optimiser step against a training written out by hand: every number of every step agrees."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neuromf_spec.reference.initial_loss import zero_predictor
from neuromf_spec.registry import law

from neuromf.config import run_facts
from neuromf.trace.columns import NAMES
from neuromf.training.process_group.ranks import ProcessGroup
from tests.support.reference_training import (
    AVERAGE_TOLERANCE,
    OPTIONS,
    TOLERANCE,
    configured,
    drawn_options,
    inputs_of,
    net_of,
    source_of,
    train_as_written,
    train_records,
)

CHOICES = {key: st.sampled_from(values) for key, values in OPTIONS.items()} | {"training.seed": st.integers(0, 1000)}


LAW_OF = {
    "t_mean": "TIME-003",
    "h_mean": "TIME-003",
    "frac_fm": "TIME-002",
    "z_rms": "PATH-001",
    "v_rms": "PATH-001",
    "u_rms": "PRED-001",
    "dudt_rms": "JVP-001",
    "rho": "JVP-006",
    "target_rms": "ID-001",
    **dict.fromkeys(("raw_fm", "raw_mf", "raw_total", *(f"raw_ch{channel}" for channel in range(4))), "PRED-002"),
    "w_mean": "WGT-001",
    "w_sat": "WGT-001",
    "weighted": "WGT-001",
    "objective": "WGT-004",
    **dict.fromkeys(("grad_norm", "grad_zeros"), "JVP-002"),
    "clip_frac": "OPT-001",
    **dict.fromkeys(("step", "lr"), "LR-002"),
    **dict.fromkeys(("update_rms", "param_rms"), "OPT-001"),
    "ema_gap": "EMA-001",
}
"""The law that a wrong number in a column breaks: what holds the number to its formula."""
NOT_BY_HAND = {"batch_hash", "raw_v_head"}
"""The one stands for data and noise, the other is of a head that the bilinear net has not."""


def test_the_reference_knows_every_column_of_the_trace():
    """A column that the training written by hand does not give would be held by the goldens alone."""
    assert set(LAW_OF) | NOT_BY_HAND == set(NAMES)


def check_row(request, row, expected, step):
    """Fail, in the name of the law, where a number of a row is not the reference's, or is there or missing wrongly."""
    for name, law_id in LAW_OF.items():
        tolerance = AVERAGE_TOLERANCE if name == "ema_gap" else TOLERANCE
        value = expected.get(name)
        if row[name] != (value if value is None else pytest.approx(value, rel=tolerance)):
            request.node.add_marker(pytest.mark.law(law_id))
            assert row[name] == value, (step, name)


@pytest.mark.law("JVP-002")
@pytest.mark.law("WGT-001")
@pytest.mark.law("LR-002")
@pytest.mark.law("PRED-002")
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=st.fixed_dictionaries(CHOICES))
def test_every_step_of_the_trainer_is_the_one_written_by_hand(request, choices):
    """Five steps of the trainer on the bilinear net record the numbers of the reference, whatever the objective."""
    config = configured(choices)
    reference = net_of(config)
    records = train_records(config, reference, ProcessGroup())
    for step, (record, expected) in enumerate(zip(records, train_as_written(config, reference), strict=True)):
        check_row(request, record.row, expected, step)


@pytest.mark.law("OPT-005")
@pytest.mark.parametrize("limit", ["null", 1e-3, 1.0, 1e3])
def test_the_clip_is_the_one_that_was_asked_for(limit):
    """The norm that the optimiser was given is the smaller of the gradient's own and the limit, in every step."""
    config = configured({**drawn_options(0), "training.gradient_clip": limit})
    records = train_records(config, net_of(config), ProcessGroup())
    for record in records:
        checks = record.checks
        judged = law("OPT-005").predicate(
            before=record.row["grad_norm"], after=checks.clipped_norm, limit=config.training.gradient_clip
        )
        assert judged.passed, judged
        assert checks.norm == record.row["grad_norm"]
        assert record.row["clip_frac"] == float(limit != "null" and record.row["grad_norm"] > limit)


@pytest.mark.law("LR-002")
@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_the_recorded_rates_of_a_whole_run_are_the_schedule(schedule):
    """From the first step to the last, the trace's learning rate is the closed form of the step."""
    choices = {"training.lr_schedule": schedule, "training.warmup_steps": 7, "meanflow.tangent": "conditional"}
    config = configured({**choices, "training.gradient_accumulation_steps": 1})
    total = run_facts(config).optimiser_steps
    for step, record in enumerate(train_records(config, net_of(config), ProcessGroup(), total)):
        multiplier = record.row["lr"] / config.training.learning_rate
        judged = law("LR-002").predicate(
            multiplier=multiplier, step=step, total_steps=total, warmup_steps=7, schedule=schedule
        )
        assert judged.passed, judged


@pytest.mark.law("PRED-002")
@pytest.mark.parametrize("prediction", ["u", "x"])
def test_the_first_row_of_a_zero_network_is_the_closed_form(prediction):
    """A bilinear net whose parameters are zero records, in its first step, the loss of predicting nothing."""
    config = configured({"meanflow.tangent": "model", "training.gradient_accumulation_steps": 2})
    config = config.model_copy(update={"meanflow": config.meanflow.model_copy(update={"prediction": prediction})})
    zero = net_of(config)
    zero = type(zero)(*(np.zeros_like(part) for part in (zero.matrix, zero.time, zero.start, zero.product)))
    step = inputs_of(source_of(config), 0)
    t_min = config.meanflow.t_min
    expected = zero_predictor(step.r, step.t, prediction, "model", t_min).loss(step.x, step.e).mean()
    row = train_records(config, zero, ProcessGroup(), 1)[0].row
    assert law("PRED-002").predicate(measured=row["raw_total"], expected=float(expected)).passed
    assert row["raw_total"] == pytest.approx(float(expected), rel=1e-12)
