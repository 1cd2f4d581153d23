"""Trainings broken on purpose, and what is said of each: the cause that was put in comes first."""

from __future__ import annotations

import contextlib
import copy
import math
from unittest import mock

import pytest
import torch

from neuromf.config import load_config
from neuromf.diagnosis.diagnosis import diagnose
from neuromf.golden.runner import golden_latents
from neuromf.monitor.events import read_events
from neuromf.replay.small_scale import REPAIRS, small_config
from neuromf.trace.reader import read_rows
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.records.summary import latest_blocks, read_summary
from neuromf.training.step import backward
from neuromf.training.step import state as train_state

CPU = torch.device("cpu")
SCALE = (
    "data.shape=[32,32,32]",
    "unet.channels=[8,16]",
    "unet.attention_levels=[false,false]",
    "unet.head_channels=8",
    "unet.num_res_blocks=1",
    "unet.norm_num_groups=4",
    "training.batch_size_per_gpu=16",
    "training.gradient_accumulation_steps=1",
    "training.epochs=4",
    "training.micro_batches_per_epoch=16",
    "training.diagnostics=false",
)
"""The smoke recipe for 64 optimiser steps of 16 latents of 4 x 8^3, at its own learning rate."""


def smoke(*overrides):
    return load_config(["smoke"], [*SCALE, *overrides])


def diagnosis(folder, config, *, latents=None, fault=None, steps=None):
    """Suspects of a real training, from the files that it wrote."""
    data = golden_latents() if latents is None else latents
    run = create_run(folder / "run", config, "0" * 64)
    with fault or contextlib.nullcontext():
        train(config, data, run, device=CPU, max_steps=steps)
    return diagnose(
        config, read_rows(run.trace), read_events(run.events), latest_blocks(read_summary(run.summary), run.summary)
    )


def optimiser_of_a_copy():
    """The optimiser is built from another copy of the model."""
    original = train_state.build_optimiser
    return mock.patch.object(
        train_state, "build_optimiser", lambda model, settings: original(copy.deepcopy(model), settings)
    )


@contextlib.contextmanager
def broken_gradient(step):
    """One entry of the gradient becomes NaN at a step."""
    original = backward._gradient_columns

    def columns(state, config, *rest):
        if state.step == step:
            next(state.model.parameters()).grad.view(-1)[0] = math.nan
        return original(state, config, *rest)

    with mock.patch.object(backward, "_gradient_columns", columns):
        yield


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_training_has_no_suspect(tmp_path, seed):
    """The smoke recipe trains, and nothing is said against it."""
    assert diagnosis(tmp_path, smoke(f"training.seed={seed}")) == []


def test_the_failed_settings_point_to_the_time_derivative(tmp_path):
    """The lost run's settings at small scale: the derivative is named, not the review's causes."""
    suspects = diagnosis(tmp_path, small_config(REPAIRS[0], 0, epochs=12), steps=130)
    assert (suspects[0].name, suspects[0].law) == ("the time derivative du/dt", "JVP-003")
    assert suspects[0].score > 0.99
    assert all(suspect.score < 0.3 for suspect in suspects[1:])


def test_a_rate_a_hundred_times_too_high_is_named(tmp_path):
    """The weights are thrown far at the first steps, and neither term learns."""
    suspects = diagnosis(tmp_path, smoke("training.learning_rate=0.1"))
    assert suspects[0].name == "a learning rate that is too high"
    assert suspects[0].score > 0.9


@pytest.mark.parametrize(
    ("rate", "name", "quoted"),
    [
        ("1.0e-05", "a learning rate that is too low, or still warming up", "the gradient norm of out was 1"),
        ("0.1", "a learning rate that is too high", "after learning rates of 0.1 in all or more"),
    ],
)
def test_a_starved_net_is_told_beside_the_rate_that_starved_it(tmp_path, rate, name, quoted):
    """At a hundredth and a hundred times the rate `out` has 15 and more times the gradient of any other block."""
    config = smoke(f"training.learning_rate={rate}", "training.diagnostics=true")
    suspects = diagnosis(tmp_path, config)
    assert suspects[0].name == name
    assert any(quoted in reason for reason in suspects[0].supporting)
    others = [*suspects[0].against, *(reason for s in suspects[1:] for reason in s.supporting)]
    assert not any("gradient norm of out" in reason for reason in others)


def test_a_healthy_net_is_not_starved(tmp_path):
    """With its blocks told, the smoke recipe has no suspect either."""
    assert diagnosis(tmp_path, smoke("training.diagnostics=true")) == []


def test_latents_that_were_not_normalised_are_named(tmp_path):
    """Latents five times too large are seen in the batches' mean square and in the first loss."""
    suspects = diagnosis(tmp_path, smoke(), latents=5 * golden_latents(), steps=12)
    assert (suspects[0].law, suspects[0].score > 0.9) == ("DATA-001", True)


def test_an_optimiser_of_another_copy_is_named(tmp_path):
    """Gradients come and no weight moves."""
    suspects = diagnosis(tmp_path, smoke(), fault=optimiser_of_a_copy(), steps=12)
    assert (suspects[0].law, suspects[0].score > 0.9) == ("OPT-002", True)


def test_a_broken_gradient_is_named_with_its_stage(tmp_path):
    """The first number that is not finite is the gradient norm, after every loss of the step was sound."""
    suspects = diagnosis(tmp_path, smoke(), fault=broken_gradient(4), steps=12)
    assert (suspects[0].law, suspects[0].score > 0.9) == ("NUM-001", True)
    assert "grad_norm = nan at step 4" in suspects[0].supporting[0]


def test_latents_that_are_not_finite_are_named_with_their_stage(tmp_path):
    """A NaN in the data shows in z_t, before the network is asked."""
    latents = golden_latents()
    latents[:, 0, 0, 0, 0] = math.nan
    suspects = diagnosis(tmp_path, smoke(), latents=latents, steps=12)
    assert suspects[0].law == "NUM-001"
    assert "z_rms = nan at step 0" in suspects[0].supporting[0]
