"""Faults that no loss shows, put into a running trainer: each is told by its law, within the steps the law states."""

from itertools import pairwise

import pytest
import torch
from neuromf_spec.laws.silent_faults import EVERY_STEPS, FIRST_STEPS, judged_step
from neuromf_spec.registry import law

from neuromf.monitor import engine
from neuromf.monitor.engine import Monitor
from neuromf.monitor.guard.alarm import Level
from neuromf.monitor.moments import latent_moments
from neuromf.training.batches.source import BatchSource
from neuromf.training.records.previews import write_preview
from neuromf.training.step import metrics
from neuromf.training.step import train_step as step_module
from neuromf.training.step.ema import Ema
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
STEPS = 3


@pytest.fixture
def config():
    """A small run whose monitors are on; its rate is high enough for float32 to show every motion."""
    return make_tiny_config("training.learning_rate=0.001")


@pytest.fixture
def state(config):
    return initial_state(config, (1.0,) * 4, CPU)


def events_of(state, config, latents, steps=STEPS, data=None):
    """Everything the monitor says about some steps; `data` replaces the latents that the batches are drawn from."""
    monitor = Monitor(config, latent_moments(latents))
    source = BatchSource(latents if data is None else data, config, CPU)
    found = []
    for _ in range(steps):
        record = train_step(state, source, config)
        found += monitor.judge(record.row, record.verdict, record.checks)
    return found


def told(events, law_id):
    """The event of a law; its message names value and bound."""
    event = next(event for event in events if event.law == law_id)
    assert event.value
    assert event.bound
    assert event.bound in event.message
    assert law_id not in event.fine
    assert event.fine
    return event


def test_a_healthy_run_is_told_nothing(state, config, real_latents):
    """No law falls in the first steps of an undisturbed run."""
    assert events_of(state, config, real_latents) == []


@pytest.mark.law("OPT-003")
def test_gradients_that_are_not_cleared_are_told_at_the_second_step(state, config, real_latents, monkeypatch):
    """With `zero_grad` gone, every parameter holds the gradient of the step before."""
    monkeypatch.setattr(state.optimiser, "zero_grad", lambda set_to_none: None)
    event = told(events_of(state, config, real_latents), "OPT-003")
    trainable = sum(1 for _ in state.model.parameters())
    assert event.step == 1
    assert not law("OPT-003").predicate(stale=trainable).passed
    assert event.value.startswith(f"{trainable} ")


@pytest.mark.law("OPT-004")
def test_a_count_that_is_not_the_optimisers_is_told_at_once(state, config, real_latents, monkeypatch):
    """An optimiser that steps twice while the run counts one is behind the schedule it is told."""
    original = state.optimiser.step

    def twice():
        original()
        original()

    monkeypatch.setattr(state.optimiser, "step", twice)
    event = told(events_of(state, config, real_latents), "OPT-004")
    assert event.step == 0
    assert not law("OPT-004").predicate(recorded=1, counted=2).passed


@pytest.mark.law("EMA-001")
@pytest.mark.parametrize(("times", "value"), [(0, "0 updates"), (2, "2 updates")])
def test_an_average_that_stands_still_or_moves_twice_is_told_at_once(
    state, config, real_latents, monkeypatch, times, value
):
    """The way that the average went says how often it was updated."""
    original = Ema.update
    monkeypatch.setattr(Ema, "update", lambda self, model: [original(self, model) for _ in range(times)])
    event = told(events_of(state, config, real_latents), "EMA-001")
    assert (event.step, event.value) == (0, value)


@pytest.mark.law("EMA-001")
def test_an_average_of_other_weights_is_told(state, config, real_latents, monkeypatch):
    """An average that goes elsewhere than to the weights is no number of updates."""

    def stray(self, model):
        for value in self.shadow.values():
            value.add_(1e-3)

    monkeypatch.setattr(Ema, "update", stray)
    assert told(events_of(state, config, real_latents), "EMA-001").value == "-1 updates"


@pytest.mark.law("OPT-002")
def test_a_parameter_that_the_optimiser_does_not_hold_is_told_at_once(state, config, real_latents):
    """A parameter taken out of the optimiser is counted."""
    state.optimiser.param_groups[0]["params"].pop()
    event = told(events_of(state, config, real_latents), "OPT-002")
    assert event.step == 0
    assert "1 not held" in event.value


@pytest.mark.law("OPT-002")
def test_a_parameter_that_does_not_move_is_told_at_once(state, config, real_latents, monkeypatch):
    """A parameter with a gradient is put back after each update."""
    original, frozen = state.optimiser.step, state.model.backbone.out[2].conv.weight

    def without():
        kept = frozen.detach().clone()
        original()
        frozen.data.copy_(kept)

    monkeypatch.setattr(state.optimiser, "step", without)
    event = told(events_of(state, config, real_latents), "OPT-002")
    assert event.step == 0
    assert "1 not moved" in event.value


@pytest.mark.law("OPT-005")
@pytest.mark.parametrize("spoil", [lambda gradient: gradient, lambda gradient: gradient * 0.1])
def test_a_gradient_that_is_not_clipped_to_the_limit_is_told_at_once(real_latents, monkeypatch, spoil):
    """A clip that does nothing, or too much, gives the optimiser another norm than the limit."""
    config = make_tiny_config("training.gradient_clip=0.5")
    state = initial_state(config, (1.0,) * 4, CPU)

    def clip(parameters, norm, limit):
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.copy_(spoil(parameter.grad))

    monkeypatch.setattr(step_module, "clip", clip)
    event = told(events_of(state, config, real_latents), "OPT-005")
    assert event.step == 0
    assert not law("OPT-005").predicate(before=3.0, after=3.0, limit=0.5).passed


@pytest.mark.law("DATA-003")
@pytest.mark.parametrize("spoil", [lambda x: 1.5 * x, lambda x: x + 0.5, lambda x: x.clamp(-1, 1)])
def test_data_that_are_not_the_manifests_are_told_at_the_first_step(state, config, real_latents, spoil):
    """Scaled, shifted or clipped on the way to the batch, they are many standard errors off."""
    event = told(events_of(state, config, real_latents, data=spoil(real_latents)), "DATA-003")
    assert event.step == 0
    assert not law("DATA-003").predicate(deviations=(float(event.value.split()[0]),)).passed


@pytest.mark.law("LR-002")
def test_a_rate_that_is_not_the_schedules_is_told_at_once(state, config, real_latents, monkeypatch):
    """A multiplier one per cent high is no closed form."""
    original = step_module.lr_multiplier
    monkeypatch.setattr(step_module, "lr_multiplier", lambda *given: 1.01 * original(*given))
    assert told(events_of(state, config, real_latents), "LR-002").step == 0


@pytest.mark.law("EMA-003")
def test_an_evaluation_that_touches_the_weights_is_told(state, config, real_latents, tmp_path, monkeypatch):
    """Samples drawn with the average copied into the model leave it there; drawn as arguments, they leave nothing."""
    shape = tuple(real_latents.shape[1:])
    events_of(state, config, real_latents)
    assert write_preview(tmp_path / "samples", state, config, shape) is None

    def copied(state):
        state.ema.copy_to(state.model)
        return state.model

    monkeypatch.setattr("neuromf.training.records.previews.averaged_net", copied)
    event = write_preview(tmp_path / "samples", state, config, shape)
    assert event.law == "EMA-003"
    assert not law("EMA-003").predicate(before="a", after="b").passed


@pytest.mark.law("BATCH-003")
def test_a_replica_that_parts_is_told_with_its_rank(config, real_latents):
    """Parameters of rank 1 that are not those of rank 0 are counted on rank 1."""
    checks = train_step(initial_state(config, (1.0,) * 4, CPU), BatchSource(real_latents, config, CPU), config).checks
    parted = type(checks)(**{**vars(checks), "differing": (0, 88)})
    finding = {reading.law_id: reading.finding for reading in engine.check_readings(config, parted)}["BATCH-003"]
    assert not finding.passed
    assert finding.value == "88 on rank 1"


def broken_once(monkeypatch, spoil):
    """Spoil the sums of the first forward and backward pass alone."""
    original, calls = step_module.backward, []

    def backward(*given):
        found = original(*given)
        calls.append(found)
        if len(calls) == 1:
            found.readings.update({name: spoil(value) for name, value in found.readings.items() if name == "raw_total"})
        return found

    monkeypatch.setattr(step_module, "backward", backward)


@pytest.mark.law("NUM-002")
def test_a_number_that_does_not_come_again_stops_the_run_as_irreproducible(state, config, real_latents, monkeypatch):
    """A NaN that the same step does not give twice is the machine's; the step is not applied."""
    broken_once(monkeypatch, lambda value: float("nan"))
    record = train_step(state, BatchSource(real_latents, config, CPU), config)
    assert record.verdict.level is Level.IRREPRODUCIBLE
    assert "raw_total" in record.verdict.message
    assert not law("NUM-002").predicate(differing=("raw_total",)).passed
    assert state.step == 0


@pytest.mark.law("NUM-002")
@pytest.mark.law("GUARD-002")
def test_a_step_that_was_not_taken_leaves_no_trace_in_the_guard(state, config, real_latents, monkeypatch):
    """After a NaN of the machine's the guard stands as before, and alarms anew when the mathematics gives one."""
    before = state.guard.state()
    with monkeypatch.context() as patched:
        broken_once(patched, lambda value: float("nan"))
        train_step(state, BatchSource(real_latents, config, CPU), config)
    assert state.guard.state() == before
    record = train_step(state, BatchSource(real_latents * float("nan"), config, CPU), config)
    assert record.verdict.level is Level.NONFINITE
    assert record.verdict.fresh


@pytest.mark.law("NUM-002")
def test_a_number_that_comes_again_is_the_mathematics(state, config, real_latents):
    """A NaN in the data is there on the rerun too, and the alarm says so, with the rank."""
    record = train_step(state, BatchSource(real_latents * float("nan"), config, CPU), config)
    assert record.verdict.level is Level.NONFINITE
    assert "the step was run again and gave the same numbers" in record.verdict.message
    assert record.verdict.alarms[0].rank == 0


def test_silent_faults_are_checked_at_first_and_every_fifty_steps():
    """No step is further than fifty from one that is judged."""
    judged = [step for step in range(1000) if judged_step(step)]
    assert judged[:FIRST_STEPS] == list(range(FIRST_STEPS))
    assert max(b - a for a, b in pairwise(judged)) == EVERY_STEPS


def test_monitors_add_no_transfer_from_the_device(state, config, real_latents, monkeypatch):
    """With monitors on, a step reads values back as often as with monitors off: twice."""
    counts = []
    original = metrics.read_back
    monkeypatch.setattr(metrics, "read_back", lambda tensors: counts.append(1) or original(tensors))
    for monitors in (True, False):
        training = config.training.model_copy(update={"monitors": monitors})
        changed = config.model_copy(update={"training": training})
        train_step(initial_state(changed, (1.0,) * 4, CPU), BatchSource(real_latents, changed, CPU), changed)
    assert len(counts) == 4
