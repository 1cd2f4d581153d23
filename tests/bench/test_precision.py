"""How far each precision's derivative and gradient are from float64 (law PREC-001)."""

import pytest
import torch

from neuromf.config import load_config
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.objective import Batch, meanflow_objective
from neuromf.flow.path import interpolate
from neuromf.monitor.probes import randomised_copy, raw_field
from neuromf.nets.unet import build_unet
from neuromf.train.optim import gradients
from tools.performance.figures import Figure
from tools.performance.workload import CPU_SETTING

pytestmark = pytest.mark.bench
CPU = torch.device("cpu")
COMMAND = "nox -s bench -- --store"
ISLAND_BAR = 1e-3
"""Largest relative error of a float32 derivative; bfloat16 keeps 8 bits and misses it by a factor of ten or more."""


def draw(dtype):
    generator = torch.Generator().manual_seed(0)
    x, e = (torch.randn((4, 4, 16, 16, 16), generator=generator).to(dtype) for _ in range(2))
    t = 0.1 + 0.9 * torch.rand(4, generator=generator)
    return Batch(x, e, (0.4 * t).to(dtype), t.to(dtype))


def network(config, dtype):
    return randomised_copy(build_unet(config.unet, v_head=False, seed=0), 0).to(dtype)


def derivative(config, dtype):
    """The trainer's own derivative, which leaves autocast."""
    batch = draw(dtype)
    z = interpolate(batch.x, batch.e, batch.t_B)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.float32):
        return exact_derivative(raw_field(network(config, dtype)), z, batch.r_B, batch.t_B, batch.e - batch.x).dudt


def derivative_under_autocast(config):
    """The same with autocast on inside, which the trainer never does."""
    batch, field = draw(torch.float32), raw_field(network(config, torch.float32))
    z = interpolate(batch.x, batch.e, batch.t_B)

    def rounded(*arguments):
        with torch.autocast("cpu", torch.bfloat16):
            return field(*arguments)

    return exact_derivative(rounded, z, batch.r_B, batch.t_B, batch.e - batch.x).dudt


def gradient(config, dtype):
    """In the precision of `dtype`. Not bfloat16: torch 2.13 has weights met by 2^3 cells wrong there."""
    net, batch = network(config, dtype), draw(dtype)
    meanflow_objective(net, batch, config.meanflow).weighted(config.meanflow).mean().backward()
    return torch.cat([part.flatten() for part in gradients(net)])


def error(actual, exact):
    return float((actual.double() - exact).norm() / exact.norm())


def test_the_island_keeps_the_derivative_and_bfloat16_would_not(measured):
    """The island keeps du/dt right to 1e-3 under autocast; inside autocast it would be off by a per cent or more."""
    config = load_config(["recommended"], list(CPU_SETTING))
    exact = derivative(config, torch.float64)
    exact_gradient = gradient(config, torch.float64)
    rounded = error(derivative_under_autocast(config), exact)
    figures = [
        Figure(
            "error of du/dt, float32 island under bfloat16",
            error(derivative(config, torch.float32), exact),
            "",
            ISLAND_BAR,
        ),
        Figure("error of du/dt, were it in bfloat16", rounded),
        Figure("error of the gradient, float32", error(gradient(config, torch.float32), exact_gradient)),
    ]
    measured(figures, CPU, COMMAND)
    assert rounded > 10 * ISLAND_BAR
