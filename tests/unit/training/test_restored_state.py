"""What a checkpoint gives back besides weights and moments: the guard's memory, and the average for sampling."""

from __future__ import annotations

import pytest
import torch
from neuromf_spec.registry import law

from neuromf.config import config_hash
from neuromf.monitor.guard.alarm import Level, RawLosses
from neuromf.monitor.guard.initial_ratio import WINDOW
from neuromf.nets.unet import build_unet
from neuromf.training.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from neuromf.training.checkpoints.restore import load_average, restore
from neuromf.training.step.state import initial_state

CPU = torch.device("cpu")


@pytest.mark.law("GUARD-002")
def test_a_resumed_guard_knows_the_initial_level(tmp_path, tiny_config):
    """A run that explodes right after a resume is halted as the undisturbed one would be."""
    state, resumed = (initial_state(tiny_config, (1.0,) * 4, CPU) for _ in range(2))
    for _ in range(WINDOW):
        state.guard.observe(RawLosses(1.0))
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))

    restore(resumed, read_checkpoint(path), config_hash(tiny_config))

    levels = [[guard.observe(RawLosses(1e6)).level for _ in range(WINDOW)] for guard in (state.guard, resumed.guard)]
    assert law("GUARD-002").predicate(verdicts=levels[0], resumed=levels[1]).passed
    assert Level.HALT in levels[0]


def test_the_average_is_what_is_loaded_for_sampling(tmp_path, tiny_config):
    """`load_average` gives a network the averaged weights of a checkpoint and not the last ones."""
    state = initial_state(tiny_config, (1.0,) * 4, CPU)
    with torch.no_grad():
        for parameter in state.model.parameters():
            parameter.add_(1.0)
    path = save_checkpoint(tmp_path, state, config_hash(tiny_config))
    net = build_unet(tiny_config.unet, v_head=False, seed=1)

    load_average(path, net)

    assert all(torch.equal(value, state.ema.shadow[name]) for name, value in net.named_parameters())
    assert not any(torch.equal(value, state.model.get_parameter(name)) for name, value in net.named_parameters())
