"""The trainer's own optimiser step against a training written out by hand: every number of every step agrees."""

import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neuromf_spec.reference.initial_loss import zero_predictor
from neuromf_spec.reference.schedule import lr_multiplier
from neuromf_spec.reference.training import HandSettings, StepInput, train_by_hand
from neuromf_spec.registry import law

from neuromf.config import load_config, run_facts
from neuromf.trace.columns import NAMES
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.step.state import state_around
from neuromf.training.step.train_step import train_step
from tests.support.law_strategies import BilinearModule, bilinear_reference
from tests.support.rank_worker import DoubleSource

SHAPE = (4, 2, 2, 2)
DIMS = math.prod(SHAPE)
STEPS = 5
TOLERANCE = 1e-12
"""Relative: both sides are float64 and differ in the order of sums alone; measured 6e-16 in 60 settings."""
AVERAGE_TOLERANCE = 2e-5
"""Of ema_gap: the trainer's average is float32, 6e-8 of weights that are 1e-2 of themselves away; measured 6e-7."""

CHOICES = {
    "meanflow.tangent": st.sampled_from(["conditional", "model"]),
    "meanflow.loss_terms": st.sampled_from(["single", "dual"]),
    "meanflow.reduction": st.sampled_from(["mean", "sum"]),
    "meanflow.norm_eps": st.sampled_from([0.01, 1.0, 50.0]),
    "meanflow.norm_p": st.sampled_from([0.0, 0.5, 1.0]),
    "time_sampling.data_proportion": st.sampled_from([0.25, 0.75]),
    "training.lr_schedule": st.sampled_from(["constant", "cosine", "linear"]),
    "training.warmup_steps": st.integers(0, 4),
    "training.beta1": st.sampled_from([0.0, 0.9]),
    "training.beta2": st.sampled_from([0.95, 0.999]),
    "training.weight_decay": st.sampled_from([0.0, 0.1]),
    "training.gradient_clip": st.sampled_from(["null", 1e-3, 1e3]),
    "training.gradient_accumulation_steps": st.integers(1, 3),
    "training.seed": st.integers(0, 1000),
}


def configured(choices):
    overrides = [f"{key}={value}" for key, value in choices.items()]
    fixed = ("meanflow.prediction=u", "training.diagnostics=false", "training.batch_size_per_gpu=4")
    scale = ("training.epochs=4", "training.micro_batches_per_epoch=10", "training.learning_rate=0.01", "ema.decay=0.5")
    return load_config(["smoke"], [*fixed, *scale, *overrides])


def trainer(config, reference):
    return state_around(BilinearModule(reference), config, ProcessGroup())


def inputs_of(source, step):
    batches = [source.draw(step, start, size) for start, size in source.micro_batches()]
    x, e, r, t = (torch.cat([getattr(b, name) for b in batches]).numpy() for name in ("x", "e", "r_B", "t_B"))
    return StepInput(x.reshape(len(x), -1), e.reshape(len(e), -1), r, t)


def by_hand(config, reference, source):
    training, objective = config.training, config.meanflow
    total = run_facts(config).optimiser_steps
    schedule = (total, training.warmup_steps, training.lr_schedule)
    rates = [training.learning_rate * lr_multiplier(step, *schedule) for step in range(STEPS)]
    hand = HandSettings(
        tangent=objective.tangent,
        dual=objective.loss_terms == "dual",
        mean=objective.reduction == "mean",
        norm_eps=objective.norm_eps,
        norm_p=objective.norm_p,
        beta1=training.beta1,
        beta2=training.beta2,
        epsilon=training.adam_eps,
        weight_decay=training.weight_decay,
        clip=training.gradient_clip,
        ema_decay=config.ema.decay,
    )
    return train_by_hand(reference, [inputs_of(source, step) for step in range(STEPS)], rates, hand)


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
    config, reference = configured(choices), bilinear_reference(config_seed := choices["training.seed"], DIMS)
    latents = np.random.default_rng(config_seed).standard_normal((6, *SHAPE)).astype(np.float32)
    source = DoubleSource(torch.from_numpy(latents), config, torch.device("cpu"))
    state = trainer(config, reference)
    for step, expected in enumerate(by_hand(config, reference, source)):
        check_row(request, train_step(state, source, config).row, expected, step)


@pytest.mark.law("LR-002")
@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_the_recorded_rates_of_a_whole_run_are_the_schedule(schedule):
    """From the first step to the last, the trace's learning rate is the closed form of the step."""
    choices = {"training.lr_schedule": schedule, "training.warmup_steps": 7, "meanflow.tangent": "conditional"}
    config, reference = configured({**choices, "training.gradient_accumulation_steps": 1}), bilinear_reference(0, DIMS)
    latents = torch.from_numpy(np.random.default_rng(0).standard_normal((6, *SHAPE)).astype(np.float32))
    state, source = trainer(config, reference), DoubleSource(latents, config, torch.device("cpu"))
    total = run_facts(config).optimiser_steps
    for step in range(total):
        multiplier = train_step(state, source, config).row["lr"] / config.training.learning_rate
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
    zero = bilinear_reference(0, DIMS)
    zero = type(zero)(*(np.zeros_like(part) for part in (zero.matrix, zero.time, zero.start, zero.product)))
    latents = torch.from_numpy(np.random.default_rng(0).standard_normal((6, *SHAPE)).astype(np.float32))
    source = DoubleSource(latents, config, torch.device("cpu"))
    step = inputs_of(source, 0)
    t_min = config.meanflow.t_min
    expected = zero_predictor(step.r, step.t, prediction, "model", t_min).loss(step.x, step.e).mean()
    row = train_step(trainer(config, zero), source, config).row
    assert law("PRED-002").predicate(measured=row["raw_total"], expected=float(expected)).passed
    assert row["raw_total"] == pytest.approx(float(expected), rel=1e-12)
