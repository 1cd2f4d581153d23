"""Everything a run carries from one optimiser step to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.nets.factory import blocks_of, build_net
from neuromf.training.device.arithmetic import refuse_wrong_arithmetic
from neuromf.training.process_group.ranks import ProcessGroup, replicate
from neuromf.training.step.ema import Ema
from neuromf.training.step.loss_module import LossModule
from neuromf.training.step.optimiser import build_optimiser


@dataclass
class TrainState:
    """Model, average, optimiser and guard after `step` optimiser steps.

    Randomness is not part of it: draws are functions of (seed, step, sample). `loss` is the model with its
    loss; `net` is the same, or the replica that keeps gradients equal to those of the other ranks of `group`.
    """

    model: nn.Module
    loss: LossModule
    net: nn.Module
    group: ProcessGroup
    ema: Ema
    optimiser: torch.optim.Optimizer
    guard: DivergenceGuard
    channel_weights_C: Tensor | None
    step: int = 0
    parameters: tuple[nn.Parameter, ...] = field(init=False)
    """Those of the model; a walk over its modules takes as long as a reading of them all."""
    blocks: dict[str, Tensor] = field(init=False)
    """Places of each block's parameters among those; a block without parameters has none."""
    numbers: int = field(init=False)
    """That the parameters hold."""
    former: list[Tensor] = field(default_factory=list)
    """Memory for the weights before a step, written over each time: new pages would take five times as long."""

    def __post_init__(self) -> None:
        self.parameters = tuple(self.model.parameters())
        self.numbers = sum(parameter.numel() for parameter in self.parameters)
        self.blocks = self._blocks(self.parameters)

    def blocks_with_gradient(self) -> dict[str, Tensor]:
        """Places of each block's parameters among those that have a gradient."""
        return self._blocks([parameter for parameter in self.parameters if parameter.grad is not None])

    def _blocks(self, among: Sequence[nn.Parameter]) -> dict[str, Tensor]:
        place = {id(parameter): index for index, parameter in enumerate(among)}
        found = {
            name: [place[id(parameter)] for parameter in block.parameters() if id(parameter) in place]
            for name, block in blocks_of(self.model).items()
        }
        return {name: torch.tensor(places, device=among[0].device) for name, places in found.items() if places}


def initial_state(
    config: Config, channel_std: tuple[float, ...], device: torch.device, group: ProcessGroup | None = None
) -> TrainState:
    """State before the first step.

    Args:
        config: the run.
        channel_std: standard deviation of each channel of the normalised training latents, for channel weights.
        device: where the model lives.
        group: the processes that share the run; this one alone when None.

    Raises:
        UntrustedArithmeticError: a training in bfloat16 on a processor that computes it wrongly.
    """
    refuse_wrong_arithmetic(config, device)
    group = group or ProcessGroup()
    model = build_net(config).to(device)
    return state_around(model, config, group, _channel_weights(config, channel_std, device))


def state_around(
    model: nn.Module, config: Config, group: ProcessGroup, channel_weights_C: Tensor | None = None
) -> TrainState:
    """State before the first step of a model that is there already."""
    compiler = "inductor" if config.training.compile else None
    loss = LossModule(model, objective_settings(config.meanflow), channel_weights_C, compiler=compiler)
    return TrainState(
        model=model,
        loss=loss,
        net=replicate(loss, group, static_graph=config.training.ddp_static_graph),
        group=group,
        ema=Ema(model, config.ema.decay),
        optimiser=build_optimiser(model, config.training),
        guard=DivergenceGuard.from_config(config),
        channel_weights_C=channel_weights_C,
    )


def _channel_weights(config: Config, channel_std: tuple[float, ...], device: torch.device) -> Tensor | None:
    """lambda_c as given, or 1 / sigma_c^2 of what the net is trained on (law LOSS-002)."""
    weights = config.meanflow.channel_weights
    if weights is None:
        return None
    values = [std**-2 for std in channel_std] if weights == "inverse_variance" else list(weights)
    return torch.tensor(values, dtype=torch.float32, device=device)
