"""One optimiser step of the trainer against the laws of steps, averages, records and non-finite numbers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.reference.initial_loss import zero_predictor
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.data.covariates import drawn_covariates
from neuromf.monitor.checks.launch_checks import first_loss_reading
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

TINY = (
    "unet.channels=[8,16]",
    "unet.attention_levels=[false,false]",
    "unet.head_channels=8",
    "unet.norm_num_groups=4",
    "training.epochs=2",
    "training.micro_batches_per_epoch=20",
)
CPU = torch.device("cpu")


def trainer(*overrides, seed=0):
    """Configuration, state before the first step, and a source of 6 latents of 4 x 4^3."""
    config = load_config(["smoke"], [*TINY, *overrides])
    latents = torch.from_numpy(np.random.default_rng(seed).standard_normal((6, 4, 4, 4, 4)).astype(np.float32))
    return config, initial_state(config, (1.0,) * 4, CPU), BatchSource(latents, config, CPU)


@pytest.mark.law("EMA-001")
@pytest.mark.law("LR-002")
@settings(max_examples=6)
@given(
    accumulation=st.integers(1, 5), warmup=st.integers(0, 3), schedule=st.sampled_from(["constant", "cosine", "linear"])
)
def test_average_and_rate_advance_once_per_optimiser_step(accumulation, warmup, schedule):
    """Whatever the accumulation, three optimiser steps are three updates of the average and three rates in order."""
    config, state, source = trainer(
        f"training.gradient_accumulation_steps={accumulation}",
        "training.batch_size_per_gpu=2",
        f"training.warmup_steps={warmup}",
        f"training.lr_schedule={schedule}",
    )
    updates, update = [], state.ema.update
    state.ema.update = lambda model: updates.append(update(model))
    total = 40 // accumulation
    for step in range(3):
        row = train_step(state, source, config).row
        judged = law("LR-002").predicate(
            multiplier=row["lr"] / config.training.learning_rate,
            step=step,
            total_steps=total,
            warmup_steps=warmup,
            schedule=schedule,
        )
        assert judged.passed, judged
    assert law("EMA-001").predicate(decay=config.ema.decay, ema_updates=len(updates), optimiser_steps=3).passed


@pytest.mark.law("OBS-001")
@pytest.mark.parametrize("diagnostics", ["true", "false"])
@pytest.mark.parametrize("reported", ["objective", "weighted"])
def test_raw_losses_are_recorded_whatever_the_diagnostics(diagnostics, reported):
    """A step's row holds the raw loss in total, per kind and per channel, as finite numbers that add up."""
    config, state, source = trainer(f"training.diagnostics={diagnostics}", f"training.reported_loss={reported}")
    row = train_step(state, source, config).row
    recorded = [name for name, value in row.items() if isinstance(value, float) and math.isfinite(value)]
    assert law("OBS-001").predicate(recorded=recorded).passed
    channels = [row[f"raw_ch{channel}"] for channel in range(4)]
    assert row["raw_total"] == pytest.approx(np.mean(channels), rel=1e-12)  # float64 sums
    share = row["frac_fm"]
    assert row["raw_total"] == pytest.approx(share * row["raw_fm"] + (1 - share) * row["raw_mf"], rel=1e-12)


@pytest.mark.law("PRED-002")
@pytest.mark.law("WGT-003")
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("prediction", ["u", "x"])
@pytest.mark.parametrize("tangent", ["conditional", "model", "v_head"])
def test_first_row_is_the_zero_predictor(reduction, prediction, tangent):
    """The raw loss that step 0 records is the closed form per dim, whatever the reduction that weights it."""
    config, state, source = trainer(
        f"meanflow.reduction={reduction}", f"meanflow.prediction={prediction}", f"meanflow.tangent={tangent}"
    )
    batches = [source.draw(0, start, size) for start, size in source.micro_batches()]
    losses = []
    for batch in batches:
        x, e, r, t = (tensor.double().numpy() for tensor in (batch.x, batch.e, batch.r_B, batch.t_B))
        losses.append(zero_predictor(r, t, prediction, tangent, config.meanflow.t_min).loss(x, e))
    measured = train_step(state, source, config).row["raw_total"]
    judged = law("PRED-002").predicate(measured=measured, expected=float(np.concatenate(losses).mean()))
    assert judged.passed, judged


@pytest.mark.law("PRED-002")
@pytest.mark.parametrize("terms", ["single", "dual"])
@pytest.mark.parametrize("prediction", ["u", "x"])
@pytest.mark.parametrize("tangent", ["conditional", "model", "v_head"])
def test_the_first_row_of_a_guided_run_is_the_zero_predictor(terms, prediction, tangent):
    """As the gate judges it, at samples that are told something within the interval and at others."""
    config = make_tiny_config(
        f"meanflow.loss_terms={terms}", f"meanflow.prediction={prediction}", f"meanflow.tangent={tangent}",
        'covariates.columns=["age=20..90"]', "covariates.dropout=0.5", "meanflow.guidance_scale=2.0",
        "meanflow.guidance_mixing=0.3", "meanflow.guidance_interval=[0.2,0.8]",
    )  # fmt: skip
    generator = np.random.default_rng(0)
    latents = torch.from_numpy(generator.standard_normal((6, *config.latent_shape)).astype(np.float32))
    source = BatchSource(latents, config, CPU, drawn_covariates(config.covariates, 6, generator))
    batches = [source.draw(0, start, size) for start, size in source.micro_batches()]
    row = train_step(initial_state(config, (1.0,) * 4, CPU), source, config).row
    reading = first_loss_reading(config, row, batches)
    assert reading.finding.passed, reading.finding
    # Without guidance it is another number.
    plain = config.model_copy(update={"meanflow": config.meanflow.model_copy(update={"guidance_scale": 1.0})})
    assert not first_loss_reading(plain, row, batches).finding.passed


@pytest.mark.law("NUM-001")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nothing_advances_on_a_non_finite_loss(value):
    """A latent that is not finite leaves weights, average, moments and step as they were."""
    config, state, source = trainer()
    train_step(state, source, config)
    before = {name: weights.clone() for name, weights in state.model.state_dict().items()}
    average = {name: weights.clone() for name, weights in state.ema.shadow.items()}
    moments = [entry["exp_avg"].clone() for entry in state.optimiser.state.values()]
    source.latents.fill_(value)
    row = train_step(state, source, config).row
    assert not law("NUM-001").predicate(loss=row["raw_total"], gradient_norm=row["grad_norm"]).passed
    assert state.step == 1
    assert all(torch.equal(weights, before[name]) for name, weights in state.model.state_dict().items())
    assert all(torch.equal(weights, average[name]) for name, weights in state.ema.shadow.items())
    after = [entry["exp_avg"] for entry in state.optimiser.state.values()]
    assert all(torch.equal(new, old) for new, old in zip(after, moments, strict=True))


@pytest.mark.law("OBS-001")
@pytest.mark.parametrize("terms", ["single", "dual"])
def test_the_recorded_loss_of_the_second_head_is_that_of_its_own_output(terms):
    """Per dim, against e - x, over all samples of the effective batch, once the head has left zero."""
    config, state, source = trainer("meanflow.tangent=v_head", f"meanflow.loss_terms={terms}")
    for _ in range(2):
        train_step(state, source, config)
    losses = []
    for start, size in source.micro_batches():
        batch = source.draw(state.step, start, size)
        t = batch.t_B[:, None, None, None, None]
        with torch.no_grad():
            velocity = state.model((1 - t) * batch.x + t * batch.e, batch.r_B, batch.t_B).v_head
        losses.append((velocity - (batch.e - batch.x)).square().flatten(1).mean(1))
    row = train_step(state, source, config).row
    assert row["raw_v_head"] == pytest.approx(float(torch.cat(losses).mean()), rel=1e-5)  # float32
    assert row["raw_v_head"] != pytest.approx(row["v_rms"] ** 2, rel=1e-4)
