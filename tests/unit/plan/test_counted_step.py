"""Memory and operations of a step are known before it is made: counted on fake tensors, held to real ones."""

from __future__ import annotations

import gc

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from neuromf.config import load_config
from neuromf.nets.factory import build_net, parameter_count
from neuromf.plan import step_cost as counted
from neuromf.plan.live_bytes import LiveBytes
from neuromf.plan.step_cost import step_cost
from tools.performance.memory import peak_bytes

MEBIBYTE = 2**20
SMALL = ("data.shape=[32,32,32]", "data.spacing_mm=6.0", "unet.channels=[16,32]", "unet.attention_levels=[false,true]")
SIZES = [
    (
        ["data.shape=[32,32,32]", "data.spacing_mm=6.0", "unet.channels=[16,32]", "unet.attention_levels=[false,true]"],
        8,
    ),
    (["data.shape=[64,64,64]"], 4),
    (
        [
            "unet.channels=[16,32,64,64]",
            "unet.attention_levels=[false,false,true,true]",
            "meanflow.tangent=conditional",
        ],
        4,
    ),
]


def config(*overrides):
    return load_config(["smoke"], list(overrides))


def really(settings, micro_batch):
    """The same two micro-batches with numbers in them."""
    net = build_net(settings, seed=0)

    def step():
        net.zero_grad(set_to_none=True)
        derivative = counted._derivative(net, settings, micro_batch)
        for _ in range(2):
            counted._pass(net, settings, micro_batch, derivative)

    return net, step


@pytest.mark.parametrize(("overrides", "micro_batch"), SIZES)
def test_the_counted_peak_is_that_of_a_real_step(overrides, micro_batch):
    """Within a tenth of what the allocator handed out on the CPU; measured 1.5 to 1.8 % too little."""
    settings = config(*overrides)
    net, step = really(settings, micro_batch)
    real = peak_bytes(step, net, torch.device("cpu"))
    assert abs(step_cost(settings, micro_batch).step_bytes - real) <= 0.1 * real


def test_the_counted_operations_are_those_of_a_real_step():
    """The passes with gradient as torch counts them on real tensors; those of du/dt by the share of MF samples."""
    settings = config(*SMALL, "time_sampling.data_proportion=0.75")
    cost, (net, _) = step_cost(settings, 4), really(settings, 4)
    with FlopCounterMode(display=False) as real:
        derivative = counted._derivative(net, settings, 4)
        taken = real.get_total_flops()
        counted._pass(net, settings, 4, derivative)
    assert cost.forward_flops == real.get_total_flops() - taken
    assert cost.derivative_flops == taken / 4


def test_the_state_is_four_copies_of_the_weights_beside_an_average():
    """Weights, Adam's two moments and the weights before a step, float32, and the average where there is one."""
    number = parameter_count(config(*SMALL))
    assert step_cost(config(*SMALL), 2).state_bytes == 5 * 4 * number
    assert step_cost(config(*SMALL, "ema.decay=null"), 2).state_bytes == 4 * 4 * number


def test_bfloat16_halves_what_is_kept_for_the_backward_pass():
    """A step in bfloat16 takes less memory than one in float32, and more than half of it."""
    wide, narrow = (step_cost(config(*SMALL, f"training.precision={kind}"), 8).step_bytes for kind in ("fp32", "bf16"))
    assert 0.5 * wide < narrow < 0.8 * wide


def test_live_bytes_count_what_is_held_and_forget_what_is_not():
    """A tensor counts while something holds it, a view of it does not count, nor does what was there before."""
    held = torch.zeros(MEBIBYTE)
    with LiveBytes([held]) as live:
        made = held + 1
        view = made[:10]
        held.add_(1)
        assert live.now == 4 * MEBIBYTE
        del made
        gc.collect()
        assert live.now == 4 * MEBIBYTE, "the view holds it"
        del view
        gc.collect()
        assert (live.now, live.peak) == (0, 4 * MEBIBYTE)
