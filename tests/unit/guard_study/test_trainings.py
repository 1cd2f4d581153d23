"""Which real trainings the study does, and how it judges what they recorded."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neuromf.config import load_config
from neuromf.config.derived import run_facts
from neuromf.monitor.guard.zero_predictor import anchor
from tools.studies.guard.plan import EXPLODING, FACTORS, HEALTHY, STEPS, trainings
from tools.studies.guard.recording import COLUMNS, file_of, losses_of, recordings
from tools.studies.guard.trainings import judge


def planned(kind):
    return [training for training in trainings() if training.kind == kind]


@pytest.mark.parametrize("levels", FACTORS, ids=lambda levels: levels[0][0].split("=")[0])
def test_each_level_of_a_factor_is_trained_as_often_as_the_others(levels):
    """The draw is balanced, so that no healthy setting is judged by a handful of trainings."""
    chosen = [set(training.overrides.split()) for training in planned("healthy")]
    for level in levels:
        count = sum(set(level) <= changes for changes in chosen)
        assert count == pytest.approx(HEALTHY * levels.count(level) / len(levels), abs=1)


def test_there_are_enough_trainings_and_no_two_alike():
    """At least 60 healthy and 12 exploding ones, each with a name of its own."""
    assert (len(planned("healthy")), len(planned("exploding"))) == (HEALTHY, EXPLODING)
    assert HEALTHY >= 60
    assert EXPLODING >= 12
    assert len({training.name for training in trainings()}) == HEALTHY + EXPLODING
    assert len({training.overrides for training in planned("healthy")}) == HEALTHY


def test_healthy_trainings_differentiate_exactly():
    """Exact derivatives, float32, a time scale of 1 and one t_min are common to all of them."""
    for training in planned("healthy"):
        config = training.config
        assert (config.meanflow.jvp, config.training.precision, config.unet.time_scale) == ("exact", "fp32", 1.0)
        assert config.time_sampling.t_min == config.meanflow.t_min


def test_exploding_trainings_have_the_failed_runs_settings():
    """All but size, rate, seed and the guard, which the failed run did not have."""
    failed = load_config(["failed_225"])
    for training in planned("exploding"):
        config = training.config
        assert config.meanflow == failed.meanflow
        assert config.time_sampling == failed.time_sampling
        assert config.training.beta2 == failed.training.beta2
        assert config.training.precision == "bf16"
        share = config.training.warmup_steps / run_facts(config).optimiser_steps
        assert share == pytest.approx(5_000 / 6_750, abs=1e-3)


def test_every_training_is_as_long_as_planned_and_its_guard_armed():
    """Accumulated or not, a training has the planned optimiser steps, and the guard may halt it."""
    for training in trainings():
        assert run_facts(training.config).optimiser_steps == STEPS
        assert training.config.training.divergence_threshold == 100.0


def recorded(total, ratio=1.0, rho=0.1):
    """A made-up recording of 120 steps, of which every fifth has no FM sample."""
    flow = np.full(120, 1.0)
    flow[::5] = np.nan
    values = (np.resize(total, 120), flow, np.full(120, ratio), np.ones(120), np.resize(rho, 120))
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def test_a_recording_is_judged_in_its_own_unit():
    """Levels are multiples of predicting nothing, the ratio is of block medians, and nothing is heard of a good run."""
    training = planned("healthy")[0]
    start = anchor(training.config)
    row = judge(training, recorded(start.total * np.repeat([0.9, 0.6, 0.5, 0.4], 30), ratio=1.5))
    assert (row["largest_level"], row["early_level"], row["last_level"]) == pytest.approx((0.9, 0.5, 0.4))
    assert (row["largest_ratio"], row["largest_rho"], row["step_noise"]) == pytest.approx((1.5, 0.1, 0.0), abs=1e-9)
    assert row["largest_flow"] == pytest.approx(1 / start.flow)
    assert not [name for name in row if name.endswith(("warn", "halt"))]


def test_every_rule_is_heard_of_a_recording_that_breaks_it():
    """MF far above FM, du/dt too large, and a total far above the start."""
    training = planned("healthy")[0]
    row = judge(training, recorded(np.repeat([1.0, 1e5], 60), ratio=20.0, rho=[1.0, 4.0]))
    assert row["GUARD-006 warn"] == 29
    assert row["JVP-006 warn"] == 1
    assert 60 <= row["GUARD-001 halt"] < 70


def test_a_training_that_broke_down_early_is_judged_by_what_there_is():
    """Forty steps have no third block: the last one stands for it."""
    training = planned("exploding")[0]
    table = recorded(anchor(training.config).total * np.repeat([0.9, 0.6, 0.5, 0.4], 30)).iloc[:40].copy()
    table.loc[39, "raw_total"] = np.nan
    row = judge(training, table)
    assert row["early_level"] == row["last_level"] == pytest.approx(0.6)
    assert row["NUM-001 nonfinite"] == 39


def test_the_guard_is_shown_no_fm_loss_in_a_step_without_such_samples():
    """An empty cell is no number."""
    shown = list(losses_of(recorded([1.0])))
    assert (shown[0].flow, shown[1].flow) == (None, 1.0)
    assert len(shown) == 120


def test_a_recording_that_is_there_is_not_trained_again(tmp_path):
    """An interrupted series goes on where it was."""
    chosen = planned("healthy")[:2]
    for training in chosen:
        recorded([2.0]).to_csv(file_of(training, 120, tmp_path), index=False)
    found = list(recordings(chosen, 120, tmp_path, processes=1))
    assert [training for training, _ in found] == chosen
    assert all(len(table) == 120 for _, table in found)


def test_a_recording_of_another_configuration_is_not_taken(tmp_path):
    """The same name and seed with another learning rate is another file."""
    training = planned("healthy")[0]
    other = replace(training, overrides=f"{training.overrides} training.learning_rate=0.002")
    assert other.name == training.name
    assert file_of(other, 120, tmp_path) != file_of(training, 120, tmp_path)
