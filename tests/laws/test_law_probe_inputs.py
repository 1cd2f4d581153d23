"""What the probe of silent faults is shown around a real step: each input is spoilt alone, and one law speaks."""

from types import SimpleNamespace

import pytest
import torch
from neuromf_spec.laws.silent_faults import judged_step

from neuromf.config import load_config
from neuromf.monitor.engine import Monitor
from neuromf.monitor.moments import latent_moments
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.fault_probe import FaultProbe
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.laws.test_law_healthy_runs import SMALL, standard_latents
from tests.support.told_laws import assert_told

CPU = torch.device("cpu")


@pytest.fixture
def config():
    return load_config(["smoke"], list(SMALL))


@pytest.fixture
def state(config):
    return initial_state(config, (1.0,) * 4, CPU)


def told(state, config, steps=2, data=None):
    """Laws and steps of every event of some steps on standard latents, or on other data."""
    latents = standard_latents()
    monitor = Monitor(config, latent_moments(latents))
    source = BatchSource(latents if data is None else data, config, CPU)
    records = [train_step(state, source, config) for _ in range(steps)]
    return {
        (event.law, event.step)
        for record in records
        for event in monitor.judge(record.row, record.verdict, record.checks)
    }


def after_update(state, act):
    """Do something after each of the optimiser's updates."""
    original = state.optimiser.step
    state.optimiser.step = lambda: [original(), act()]


def put_back(state):
    """The output convolution alone has a gradient from the first step on."""
    frozen = state.model.backbone.out[2].conv.weight
    kept = frozen.detach().clone()
    after_update(state, lambda: frozen.data.copy_(kept))


def keep_gradients(state):
    state.optimiser.zero_grad = lambda set_to_none: None


def update_twice(state):
    after_update(state, state.optimiser.step)


def forget_count(state):
    """Of one parameter; the others go on counting."""

    def forget():
        next(iter(state.optimiser.state.values()))["step"].zero_()

    after_update(state, forget)


def count_twice(state):
    after_update(state, lambda: setattr(state, "step", state.step + 1))


def hold_twice(state):
    group = state.optimiser.param_groups[0]
    state.optimiser.param_groups.append({**group, "params": group["params"][:1], "lr": 0.0})


def average(times):
    def spoil(state):
        original = state.ema.update
        state.ema.update = lambda model: [original(model) for _ in range(times)]

    return spoil


def average_strays(state):
    def update(model):
        for value in state.ema.shadow.values():
            value.add_(1e-3)

    state.ema.update = update


UNHELD = {("OPT-002", 0), ("OPT-003", 1)}
"""The optimiser does not clear the gradient of a parameter that it does not hold."""
FAULTS = {
    "nothing": (lambda state: None, set()),
    "gradients that stay": (keep_gradients, {("OPT-003", 1)}),
    "two updates": (update_twice, {("OPT-004", 0)}),
    "a count that starts anew": (forget_count, {("OPT-004", 0)}),
    "two steps counted": (count_twice, {("OPT-004", 0)}),
    "a parameter not held": (lambda state: state.optimiser.param_groups[0]["params"].pop(0), UNHELD),
    "a parameter held twice": (hold_twice, {("OPT-002", 0)}),
    "a parameter put back": (put_back, {("OPT-002", 0)}),
    "an average that stands still": (average(0), {("EMA-001", 0)}),
    "an average that moves twice": (average(2), {("EMA-001", 0)}),
    "an average that strays": (average_strays, {("EMA-001", 0)}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_put_into_a_step_is_told_by_its_law_alone(state, config, name, request):
    """Gradients, count, cover and average are each spoilt alone; the first step that shows it is told, by one law."""
    spoil, expected = FAULTS[name]
    spoil(state)
    events = told(state, config)
    assert_told(request, {law for law, _ in events}, {law for law, _ in expected})
    assert events == expected


@pytest.mark.parametrize("channel", range(4))
def test_data_that_change_in_one_channel_are_told_at_the_first_step_alone(state, config, channel, request):
    """Shifted or scaled, by the law of the first batch; from the second step on nobody looks, nor need anybody."""
    data = standard_latents()
    data[:, channel] = data[:, channel] + 3 if channel % 2 else 3 * data[:, channel]
    events = told(state, config, data=data)
    assert_told(request, {law for law, _ in events}, {"DATA-003"})
    assert events == {("DATA-003", 0)}
    assert told(state, config, steps=1, data=data) == set()


def test_what_the_fingerprints_say_is_counted_on_the_rank_concerned(state, config):
    """One number a rank, in the order of the ranks."""
    state.group = SimpleNamespace(size=3, count_mismatches=lambda own: torch.tensor([0.0, 5.0, float(len(own))]))
    parameters = len(list(state.model.parameters()))
    assert probed(FaultProbe(state, config)).differing == (0, 5, parameters)


def probed(probe):
    """What a probe finds around an update that moves every parameter."""
    probe.before_backward()
    probe.before_update()
    moved = [torch.ones_like(parameter) for parameter in probe._state.model.parameters()]
    readings = {name: float(value) for name, value in probe.after_update(moved, 0.1).items()}
    return probe.result(readings, {"grad_norm": 1.0})


@pytest.mark.parametrize("monitors", ["true", "false"])
def test_the_probe_looks_in_judged_steps_alone(state, monitors):
    """In the others, and without monitors, it asks nothing and finds nothing; data are looked at in step 0 alone."""
    config = load_config(["smoke"], [*SMALL, f"training.monitors={monitors}"])
    for step in (0, 1, 9, 10, 49, 50, 51, 100):
        state.step = step
        probe = FaultProbe(state, config)
        active = monitors == "true" and judged_step(step)
        assert bool(probe.data_sums(torch.ones(2, 4, 2, 2, 2))) == (active and step == 0)
        assert (probed(probe) is not None) == active
