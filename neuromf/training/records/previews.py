"""Samples drawn with the averaged weights, or with the weights where there is no average.

Those of `neuromf sample`, and those a training leaves on its way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from neuromf_spec.laws.silent_faults import evaluation_leaves_state
from safetensors.torch import save_file
from torch import Tensor
from torch.func import functional_call

from neuromf.config.flow_settings import objective_settings
from neuromf.config.schema import Config
from neuromf.flow.jvp import Field
from neuromf.flow.network import Net, NetOutput, velocity_field
from neuromf.flow.sampling import along_the_flow, sample
from neuromf.monitor.checks.probes import state_digest
from neuromf.monitor.events import Event
from neuromf.monitor.guard.alarm import Level, alarm_of
from neuromf.output import whole_file
from neuromf.training.batches.randomness import Purpose, generator
from neuromf.training.step.state import TrainState


def draw_latents(
    net: Net,
    config: Config,
    shape: tuple[int, ...],
    *,
    steps: int,
    count: int,
    seed: int,
    device: torch.device,
    covariates_NK: Tensor | None = None,
) -> Tensor:
    """Normalised latents (count, C, D, H, W); sample i depends on (seed, i) and its own covariates alone.

    Args:
        net: with the weights that are sampled.
        config: the run.
        shape: of a latent.
        steps: network evaluations a sample.
        count: number of samples.
        seed: of their noise.
        device: where the network computes.
        covariates_NK: of each sample, for a network that is told of some; None tells it nothing.
    """
    drawn = []
    for index in range(count):
        told = None if covariates_NK is None else covariates_NK[index : index + 1].to(device)
        field = sampling_field(net, config, told)
        noise = sampling_noise(shape, seed, index)[None].to(device)
        drawn.append(sample(field, noise, steps, config.meanflow.t_min))
    return torch.cat(drawn)


def sampling_field(net: Net, config: Config, y_BK: Tensor | None = None) -> Field:
    """The velocity that samples of a run follow.

    A run without MF samples is flow matching, and is sampled along its velocity: no other r was trained (law TIME-007).
    """
    field = velocity_field(net, objective_settings(config.meanflow), y_BK)
    return along_the_flow(field) if follows_flow(config) else field


def follows_flow(config: Config) -> bool:
    """Whether samples follow the velocity at r = t, for no other r was trained."""
    return config.time_sampling.data_proportion == 1


def sampling_noise(shape: tuple[int, ...], seed: int, index: int) -> Tensor:
    """What sample `index` of a seed begins with (C, D, H, W)."""
    return torch.from_numpy(generator(seed, Purpose.SAMPLING, 0, index).standard_normal(shape, dtype=np.float32))


def is_sampled(step: int, every: int) -> bool:
    """Whether the checkpoint at `step` leaves a sample: the first, second, fourth, eighth ... of a run."""
    index, rest = divmod(step, every)
    return rest == 0 and index > 0 and index & (index - 1) == 0


def write_preview(folder: Path, state: TrainState, config: Config, shape: tuple[int, ...]) -> Event | None:
    """Write `step_XXXXXXXX.safetensors` with one sample in one step, always from the same noise.

    Returns:
        An event of the step just made when the evaluation changed the training's state (law EMA-003): a resume from
        this step's checkpoint keeps it, one from an earlier checkpoint drops it and draws the sample again.
    """
    device = next(state.model.parameters()).device
    before = _digest(state)
    latents = draw_latents(averaged_net(state), config, shape, steps=1, count=1, seed=0, device=device)
    folder.mkdir(exist_ok=True)
    with whole_file(folder / f"step_{state.step:08d}.safetensors") as staging:
        save_file({"latents": latents.cpu().contiguous()}, staging)
    finding = evaluation_leaves_state(before=before, after=_digest(state))
    if finding.passed:
        return None
    alarm = alarm_of("EMA-003", Level.WARN, finding)
    return Event(step=state.step - 1, level="warn", law="EMA-003", message=alarm.message, value=alarm.value)


def averaged_net(state: TrainState) -> Net:
    """The network with the averaged weights as arguments, so that its own stay where they are; without them its own."""

    def net(z: Tensor, r_B: Tensor, t_B: Tensor, *covariates: Tensor) -> NetOutput | Tensor:
        output: NetOutput | Tensor = functional_call(state.model, state.ema.shadow, (z, r_B, t_B, *covariates))
        return output

    return net


def _digest(state: TrainState) -> str:
    """Of the weights, the average and torch's randomness."""
    return state_digest((*state.model.state_dict().values(), *state.ema.shadow.values()))
