"""The guard on the failed run's own recorded curve, and on its way through a checkpoint."""

import pytest
from neuromf_spec.reference.failed_run import recorded_curve
from neuromf_spec.registry import law

from neuromf.config import load_config
from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard, guard_arguments, self_test


@pytest.mark.law("GUARD-001")
@pytest.mark.law("GUARD-005")
def test_the_recorded_run_is_halted_before_its_end():
    """The configured guard, replayed on the curve that the review prints, halts it at epoch 122 of 225."""
    config = load_config(["recommended"])
    assert law("GUARD-001").predicate(**guard_arguments(config)).passed
    test = self_test(config)
    assert test.halted_epoch == 122
    assert not test.false_alarm


@pytest.mark.law("GUARD-001")
def test_the_failed_runs_own_guard_is_none():
    """Nothing in the failed run's configuration would have stopped it."""
    assert not law("GUARD-001").predicate(**guard_arguments(load_config(["failed_225"]))).passed


@pytest.mark.law("GUARD-002")
@pytest.mark.parametrize("stop", [1, 7, 31, 2_970, 3_665])
def test_a_guard_that_was_saved_says_what_it_would_have_said(stop):
    """On the recorded curve, a guard saved and restored after `stop` steps gives the undisturbed verdicts."""
    curve = [level for level in recorded_curve() for _ in range(BLOCK)]
    whole, first, second = DivergenceGuard(10.0, 100.0), DivergenceGuard(10.0, 100.0), DivergenceGuard(10.0, 100.0)
    undisturbed = [whole.observe(RawLosses(level)).level for level in curve]
    before = [first.observe(RawLosses(level)).level for level in curve[:stop]]
    second.load_state(first.state())
    resumed = before + [second.observe(RawLosses(level)).level for level in curve[stop:]]
    assert law("GUARD-002").predicate(verdicts=undisturbed, resumed=resumed).passed
    assert Level.HALT in undisturbed
