"""Curves, their noise, and what the guard says of them, as the study simulates it."""

import numpy as np
import pytest
from neuromf_spec.reference.failed_run import FAILED_RUN_START, RECORDED_CHANNELS, recorded_curve

from neuromf.monitor.guard.alarm import RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss
from tools.studies.guard.curves import EPOCHS, Curve, healthy_curves, recorded_curves
from tools.studies.guard.noise import LEVELS, NOISES, SILENT, Noise, step_losses
from tools.studies.guard.rules import SIMULATED, first_alarms, first_correction
from tools.studies.guard.simulate import Series, curves, plan, simulate


def flat(epochs=200):
    return Curve("flat", True, np.full(epochs, 3.0), 1.0, 30)


def test_a_run_without_noise_is_its_curve():
    """Every step of an epoch has the epoch's level."""
    curve = healthy_curves()[1]
    losses = step_losses(curve, SILENT, np.random.default_rng(0))
    assert losses.reshape(EPOCHS, 30) == pytest.approx(np.repeat(curve.levels[:, None], 30, 1))


def test_step_noise_leaves_the_mean_where_the_curve_is():
    """A recorded epoch is a mean, which lognormal noise of any spread keeps."""
    losses = step_losses(flat(20_000), Noise("steps", 0.6, 0.0, 0.0), np.random.default_rng(0))
    assert losses.mean() == pytest.approx(3.0, rel=0.01)
    assert np.log(losses).std() == pytest.approx(0.6, rel=0.01)


def test_slow_noise_goes_from_epoch_to_epoch():
    """Neighbouring epochs share 0.7 of their noise; steps of one epoch share all of it."""
    logs = np.log(step_losses(flat(20_000), Noise("slow", 0.0, 0.4, 0.0), np.random.default_rng(0)).reshape(-1, 30))
    assert np.ptp(logs, axis=1).max() < 1e-9
    assert logs[:, 0].std() == pytest.approx(0.4, rel=0.05)
    assert np.corrcoef(logs[1:, 0], logs[:-1, 0])[0, 1] == pytest.approx(0.7, abs=0.03)


def test_outliers_are_as_many_and_as_large_as_is_said():
    """One step in a hundred is ten to fifty times its level."""
    losses = step_losses(flat(5_000), Noise("tails", 0.0, 0.0, 0.01), np.random.default_rng(0)) / 3.0
    tails = losses[losses > 1.5]
    assert len(tails) / len(losses) == pytest.approx(0.01, rel=0.1)
    assert tails.min() > 10
    assert tails.max() < 50


def test_the_recorded_curves_keep_their_record_and_their_unit():
    """The failed run is the review's, four channels and both terms added; the next one has eight steps an epoch."""
    failed, _, following = recorded_curves()
    assert list(failed.levels) == pytest.approx(recorded_curve())
    assert (failed.levels[24], failed.start) == (sum(RECORDED_CHANNELS[24]), FAILED_RUN_START)
    assert (following.start, following.steps_per_epoch) == (FAILED_RUN_START / 2, 8)
    assert following.levels[[0, 24, 499]] == pytest.approx([142.9, 142.9, 331607.7])


def test_the_climbing_variant_differs_before_the_first_record_alone():
    """It starts at predicting nothing and meets the record at epoch 24, eleven times higher."""
    failed, climbing, _ = recorded_curves()
    assert climbing.levels[0] == pytest.approx(failed.start)
    assert climbing.levels[24:] == pytest.approx(failed.levels[24:])
    assert np.ptp(np.diff(np.log(climbing.levels[:25]))) < 1e-9


def test_healthy_curves_end_below_predicting_nothing():
    """Each is a run that nobody would stop: it ends at or below its start, and never far above it."""
    for curve in healthy_curves():
        assert curve.levels[-1] < curve.start
        assert curve.levels.max() < 2.5 * curve.start


def test_a_simulated_run_depends_on_its_own_place_alone():
    """Curve, noise and number seed a run, so that more runs leave the first ones as they were."""
    failed = next(place for place, curve in enumerate(curves()) if curve.name == "failed_225")
    once, twice = simulate(Series(failed, 0, 1)), simulate(Series(failed, 0, 2))
    assert once == twice[:1]
    assert once[0] != {**twice[1], "run": 0}
    assert set(once[0]) <= {"curve", "noise", "run", *SIMULATED}


def test_every_curve_is_planned_under_every_noise():
    """No cell of the table is left out; a silent run repeats itself and is done once, where it is a record."""
    planned = {(curves()[s.curve].name, LEVELS[s.noise], s.runs) for s in plan(7)}
    noisy = {(curve.name, noise, 7) for curve in curves() for noise in NOISES}
    assert planned == noisy | {(curve.name, SILENT, 1) for curve in recorded_curves()}


def test_a_run_is_judged_up_to_its_halt():
    """What the guard would say of steps that were never trained does not count."""
    guard = DivergenceGuard(10.0, 100.0, ZeroPredictorLoss(1.0, 1.0))
    steps = [RawLosses(1.0)] * 30 + [RawLosses(1e6)] * 30
    assert first_alarms(guard, steps) == {"GUARD-001 halt": 34}


def test_a_number_that_is_not_finite_ends_a_run():
    """Nothing is trained beyond it."""
    steps = [RawLosses(1.0), RawLosses(float("inf")), RawLosses(float("nan"))]
    assert first_alarms(DivergenceGuard(10.0, 100.0), steps) == {"NUM-001 nonfinite": 1}


def test_the_trainers_own_warning_of_the_derivative_is_counted():
    """The first step above 3 is told; steps without an MF sample are none."""
    assert first_correction([float("nan"), 2.9, 3.1, 9.0]) == {"JVP-006 warn": 2}
    assert first_correction([float("nan"), 2.9]) == {}
