"""Operations and memory of an optimiser step, from fake tensors: shapes and types without numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from neuromf.config.covariates import covariate_width
from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.flow.batch import Batch
from neuromf.flow.guidance import regressed_velocity
from neuromf.flow.jvp import Derivative
from neuromf.flow.mf_derivative import MfDerivative, differentiate
from neuromf.flow.number_type import computed_in
from neuromf.flow.objective import meanflow_objective
from neuromf.nets.factory import build_net
from neuromf.nets.weight_copies import FLOAT, FORMER, saved_copies
from neuromf.plan.live_bytes import LiveBytes


@dataclass(frozen=True)
class StepCost:
    """What a micro-batch costs.

    Attributes:
        parameters: of the network.
        state_bytes: weights, moments, average and the weights before a step, held throughout.
        step_bytes: most that lives besides while gradients are accumulated: gradients, activations, a derivative.
        forward_flops: operations, two for a multiplication and an addition, of the passes with gradient and of those
            for guidance.
        derivative_flops: of the passes for du/dt and its tangent, by the share of MF samples.
    """

    parameters: int
    state_bytes: int
    step_bytes: int
    forward_flops: float
    derivative_flops: float

    @property
    def peak_bytes(self) -> int:
        """Most that a process holds in tensors at once."""
        return self.state_bytes + self.step_bytes

    @property
    def flops(self) -> float:
        """Of a micro-batch."""
        return self.forward_flops + self.derivative_flops


def step_cost(config: Config, micro_batch: int) -> StepCost:
    """Go through two micro-batches of an optimiser step, the second of which finds gradients there already.

    The derivative is taken of as many MF samples as a micro-batch holds, which is the most that share a pass.

    Args:
        config: the run.
        micro_batch: samples of a forward pass.
    """
    with FakeTensorMode():
        net = build_net(config, seed=0)
        parameters = sum(weight.numel() for weight in net.parameters())
        # The counter's hooks keep gradients longer than a step does: memory is counted without it.
        live_bytes, derivative = _live(net, config, micro_batch)
        derivative_flops = _operations(lambda: _derivative(net, config, micro_batch))
        forward_flops = _operations(lambda: _pass(net, config, micro_batch, derivative))
    share = 1 - config.time_sampling.data_proportion
    return StepCost(
        parameters=parameters,
        state_bytes=FLOAT * parameters * (saved_copies(config) + FORMER),
        step_bytes=live_bytes,
        forward_flops=forward_flops,
        derivative_flops=derivative_flops * share,
    )


def step_bytes(config: Config, micro_batch: int) -> int:
    """The `step_bytes` of `step_cost`, without its operations; arguments as there."""
    with FakeTensorMode():
        return _live(build_net(config, seed=0), config, micro_batch)[0]


def _live(net: nn.Module, config: Config, micro_batch: int) -> tuple[int, MfDerivative]:
    """Most bytes that live besides the weights in two micro-batches, and the derivative that both use."""
    with LiveBytes(list(net.parameters())) as live:
        derivative = _derivative(net, config, micro_batch)
        for _ in range(2):
            _pass(net, config, micro_batch, derivative)
    return live.peak, derivative


def _operations(action: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counted:
        action()
    return float(counted.get_total_flops())


def _derivative(net: nn.Module, config: Config, samples: int) -> MfDerivative:
    z, v_c = (torch.empty((samples, *config.latent_shape)) for _ in range(2))
    r_B, t_B = (torch.empty(samples) for _ in range(2))
    with computed_in(config.training.precision, "cpu"):
        tangent, derivative = differentiate(net, z, v_c, r_B, t_B, objective_settings(config.meanflow))
    # A micro-batch has its own rows of it.
    own = math.ceil((1 - config.time_sampling.data_proportion) * samples)
    return MfDerivative(torch.arange(own), v_c, tangent[:own], Derivative(derivative.u[:own], derivative.dudt[:own]))


def _pass(net: nn.Module, config: Config, samples: int, known: MfDerivative) -> None:
    """A forward and backward pass, and with guidance those that give what is regressed on."""
    x, e = (torch.empty((samples, *config.latent_shape)) for _ in range(2))
    r_B, t_B = (torch.empty(samples) for _ in range(2))
    inputs, settings = covariate_width(config.covariates.columns), objective_settings(config.meanflow)
    batch = Batch(x, e, r_B, t_B, y_BK=torch.empty((samples, inputs)) if inputs else None)
    with computed_in(config.training.precision, "cpu"):
        known = replace(known, velocity=regressed_velocity(net, batch, settings))
        objective = meanflow_objective(net, batch, settings, known=known)
    objective.weighted_B.sum().backward()  # type: ignore[no-untyped-call]
