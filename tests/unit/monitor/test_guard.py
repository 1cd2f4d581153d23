"""The divergence guard: warns, halts, leaves healthy runs alone, survives a resume, and can prove it."""

from __future__ import annotations

import math

import pytest

from neuromf.config import load_config
from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.guard import DivergenceGuard, self_test
from neuromf.monitor.guard.initial_ratio import WINDOW


def feed(guard: DivergenceGuard, *levels: float) -> list[Level]:
    """Show each level for as many steps as make one, and return what the guard says at the end of each."""
    return [[guard.observe(RawLosses(level)).level for _ in range(WINDOW)][-1] for level in levels]


@pytest.mark.law("GUARD-001")
def test_warns_above_ten_and_halts_above_a_hundred_times_the_initial_loss():
    """The review's rule: warn at 10 x, halt at divergence_threshold x initial."""
    guard = DivergenceGuard(10.0, 100.0)

    assert feed(guard, 2.0, 19.0, 21.0, 199.0, 201.0) == [Level.OK, Level.OK, Level.WARN, Level.WARN, Level.HALT]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_reported_at_once(value):
    """NaN and infinity need no window, and not even an armed guard."""
    assert DivergenceGuard(10.0, None).observe(RawLosses(value)).level is Level.NONFINITE


def test_a_gradient_that_is_not_finite_is_reported_at_once():
    """A finite loss with a NaN gradient would poison every weight."""
    assert DivergenceGuard(10.0, 100.0).observe(RawLosses(1.0, gradient_norm=math.nan)).level is Level.NONFINITE


def test_a_single_outlier_does_not_halt():
    """One step's 1/t^2 tail, a thousand times the median, is not a divergence."""
    guard = DivergenceGuard(10.0, 100.0)
    feed(guard, 2.0, 2.0)

    assert guard.observe(RawLosses(2000.0)).level is Level.OK


def test_a_disarmed_guard_never_halts():
    """Without a threshold the guard only warns."""
    assert feed(DivergenceGuard(10.0, None), 2.0, 1e9)[-1] is Level.WARN


def test_state_survives_a_resume():
    """A guard restored from its state judges as if it had not stopped."""
    guard = DivergenceGuard(10.0, 100.0)
    feed(guard, 2.0, 150.0)
    restored = DivergenceGuard(10.0, 100.0)
    restored.load_state(guard.state())

    assert [restored.observe(RawLosses(300.0)) for _ in range(WINDOW)] == [
        guard.observe(RawLosses(300.0)) for _ in range(WINDOW)
    ]


def test_a_state_with_another_number_of_rules_is_refused():
    """Of a guard with more rules or with fewer: a rule that began anew would have forgotten the climb so far."""
    guard = DivergenceGuard(10.0, 100.0)
    climbs = guard.state()["climbs"]

    for other in (climbs[:-1], [*climbs, climbs[0]]):
        with pytest.raises(ValueError, match="zip"):
            guard.load_state(guard.state() | {"climbs": other})


def test_self_test_warns_of_the_failed_run_and_halts_it_at_epoch_122():
    """Its first record is worse than predicting nothing, and its climb is beyond doubt before half of it is spent."""
    result = self_test(load_config(["phase4c"]))

    assert (result.warned_epoch, result.halted_epoch) == (0, 122)
    assert (result.false_alarm, result.passed) == (False, True)


def test_self_test_fails_a_disarmed_guard():
    """A guard without a threshold warns and halts nothing, which its replay of the failed run shows."""
    result = self_test(load_config(["phase4c"], ["training.divergence_threshold=null"]))

    assert not result.passed
    assert result.warned_epoch == 0


def test_self_test_fails_a_guard_that_halts_a_healthy_run():
    """A threshold below 1 halts anything."""
    config = load_config(["phase4c"], ["training.divergence_threshold=0.05"])

    assert self_test(config).false_alarm
