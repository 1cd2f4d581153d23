"""What monitors take of a step: all of it is charged to them, and held against the step that was measured."""

from __future__ import annotations

import time

import pytest
import torch
from neuromf_spec.laws.silent_faults import EVERY_STEPS

from neuromf.monitor.engine import Monitor
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.fault_probe import FaultProbe
from tools.performance.monitor_cost import MONITORS, MonitorCost, monitor_cost

CPU = torch.device("cpu")
STEPS, PAUSE = 11, 0.1


def slowed(monkeypatch, owner, name):
    """Let a method sleep before it does its work."""
    original = getattr(owner, name)

    def slow(*given):
        time.sleep(PAUSE)
        return original(*given)

    monkeypatch.setattr(owner, name, slow)


def test_the_share_is_that_of_the_step_that_was_measured():
    """A step shorter than 50 ms is not taken for one of 50 ms, and a judged step counts for one in fifty."""
    cost = MonitorCost(ordinary=2e-4, judged=EVERY_STEPS * 1e-4, step=0.02)
    share = next(figure for figure in cost.figures() if figure.unit == "%")
    assert share.value == pytest.approx(1.5)
    assert not share.held


@pytest.mark.parametrize(("owner", "name"), [(Monitor, "judge"), (DivergenceGuard, "observe")])
def test_what_a_monitor_does_in_each_step_is_charged(monkeypatch, owner, name):
    """A monitor that sleeps makes each step dearer by that, and the training no slower."""
    slowed(monkeypatch, owner, name)
    cost = monitor_cost(STEPS, CPU)
    assert cost.ordinary >= PAUSE
    assert cost.judged >= PAUSE


def test_what_is_done_in_judged_steps_is_charged_to_them_alone(monkeypatch):
    """An observer that sleeps over an update makes judged steps dearer, for it sleeps in those alone."""
    original = FaultProbe.after_update

    def slow(self, *given):
        time.sleep(PAUSE if self.active else 0.0)
        return original(self, *given)

    monkeypatch.setattr(FaultProbe, "after_update", slow)
    cost = monitor_cost(STEPS, CPU)
    assert cost.judged >= PAUSE > cost.ordinary


def test_what_the_training_does_is_not_charged(monkeypatch):
    """A slow draw of the batch is the training's own, and the monitors are whole again afterwards."""
    before = [dict(vars(owner)) for owner in MONITORS]
    slowed(monkeypatch, BatchSource, "draw")
    cost = monitor_cost(STEPS, CPU)
    assert cost.step >= PAUSE > cost.judged
    assert [dict(vars(owner)) for owner in MONITORS] == before
