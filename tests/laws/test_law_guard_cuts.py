"""The guard saved and restored before every step of noisy curves: law GUARD-002 holds of every word that it says."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss

pytestmark = pytest.mark.law("GUARD-002")
BLOCKS = 34
START = ZeroPredictorLoss(4.0, 2.0)


def noisy_curve(seed, noise, climb, parting):
    """Losses of some thousand steps: noise and outliers about a level that falls, then climbs; terms that part."""
    generator = np.random.default_rng(seed)
    steps = BLOCK * BLOCKS
    late = np.maximum(0, np.arange(steps) - steps // 2) / steps
    level = 4 * np.exp(-np.arange(steps) / 300 + climb * late)
    total = (
        level * np.exp(noise * generator.standard_normal(steps)) * generator.choice([1.0, 300.0], steps, p=[0.99, 0.01])
    )
    flow, meanflow = total * 0.5, total * np.exp(parting * late)
    absent = generator.random((2, steps)) < 0.3
    return [
        RawLosses(*(None if gone else float(x) for x, gone in zip(losses, (False, *away), strict=True)), float(norm))
        for *losses, norm, away in zip(total, flow, meanflow, generator.random(steps), absent.T, strict=True)
    ]


def restored(guard, fresh):
    """A guard that goes on from the other's state, as a checkpoint keeps it."""
    fresh.load_state(json.loads(json.dumps(guard.state())))
    return fresh


def said(guard, losses):
    """Everything in a verdict: laws, levels, numbers and sentences, and which of them are new."""
    verdict = guard.observe(losses)
    return [repr(verdict.alarms), repr(verdict.fresh)]


CURVES = st.builds(
    noisy_curve,
    seed=st.integers(0, 2**32 - 1),
    noise=st.sampled_from([0.0, 0.05, 0.5]),
    climb=st.sampled_from([0.0, 6.0, 30.0]),
    parting=st.sampled_from([0.0, 20.0]),
)


@settings(max_examples=4)
@given(curve=CURVES, armed=st.booleans())
def test_a_guard_restored_before_every_step_says_what_another_says(curve, armed):
    """Whatever it needs to remember is in its state: a thousand restarts change no alarm, number or sentence."""
    whole, cut = (DivergenceGuard(10.0, 100.0 if armed else None, START) for _ in range(2))
    for losses in curve:
        cut = restored(cut, DivergenceGuard(10.0, 100.0 if armed else None, START))
        judged = law("GUARD-002").predicate(verdicts=said(whole, losses), resumed=said(cut, losses))
        assert judged.passed, judged
    assert cut.state() == whole.state()


def test_the_curves_raise_every_alarm_of_the_guard():
    """Without which the test above would hold of a guard that is never heard."""
    heard = set()
    for seed, (climb, parting) in enumerate(((6.0, 0.0), (30.0, 20.0))):
        guard = DivergenceGuard(10.0, 100.0, START)
        alarms = [alarm for losses in noisy_curve(seed, 0.05, climb, parting) for alarm in guard.observe(losses).alarms]
        heard |= {(alarm.law, alarm.level) for alarm in alarms}
    warned, halted = ({law_id for law_id, level in heard if level is wanted} for wanted in (Level.WARN, Level.HALT))
    assert warned == {"GUARD-001", "GUARD-004", "GUARD-005", "GUARD-006"}
    assert halted == {"GUARD-001", "GUARD-004", "GUARD-005"}


def test_a_state_that_was_taken_does_not_change_with_the_guard():
    """A step that is not applied puts the guard back to the state before it, which must not have moved on since."""
    guard = DivergenceGuard(10.0, 100.0, START)
    for losses in noisy_curve(0, 0.5, 30.0, 20.0):
        state = guard.state()
        kept = json.dumps(state)
        guard.observe(losses)
        assert json.dumps(state) == kept


@pytest.mark.parametrize("name", ["initial", "climbs", "block", "heard"])
def test_each_part_of_the_state_is_needed(name):
    """A guard that forgets it speaks otherwise on some later step, which the law rejects."""
    curve = noisy_curve(1, 0.05, 30.0, 20.0)
    blank = DivergenceGuard(10.0, 100.0, START).state()
    parted = set()
    for stop in (5, 200, 700, 1000):
        whole, forgetful = DivergenceGuard(10.0, 100.0, START), DivergenceGuard(10.0, 100.0, START)
        for losses in curve[:stop]:
            whole.observe(losses)
        forgetful.load_state({**whole.state(), name: blank[name]})
        pairs = [(said(whole, losses), said(forgetful, losses)) for losses in curve[stop:]]
        parted |= {law("GUARD-002").predicate(verdicts=a, resumed=b).passed for a, b in pairs}
    assert False in parted
