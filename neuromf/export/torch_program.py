"""Programs of `torch.export`, which need torch alone: the average velocity, and a sample in one step."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from neuromf.errors import InputError
from neuromf.export.subject import ExportedRun
from neuromf.own_code import told

VELOCITY, ONE_STEP = "velocity.pt2", "one_step.pt2"
TRACED = 2
"""Samples of the batch that a program is traced with: at one, torch takes the size for fixed."""


class VelocityProgram(nn.Module):
    """(z, t, r) -> u: normalised latents (B, C, D, H, W) and times (B,), r <= t.

    Args:
        subject: the run.
    """

    def __init__(self, subject: ExportedRun) -> None:
        super().__init__()
        self.net, self.field = subject.net, subject.velocity

    def forward(self, z: Tensor, t_B: Tensor, r_B: Tensor) -> Tensor:
        """The average velocity that samples follow."""
        return self.field(z, r_B, t_B)


class OneStepProgram(nn.Module):
    """Noise -> (normalised latent, latent): one step from t = 1 to 0, and the statistics undone.

    Args:
        subject: the run.
    """

    def __init__(self, subject: ExportedRun) -> None:
        super().__init__()
        self.velocity = VelocityProgram(subject)
        statistics = subject.store.statistics
        moments = torch.tensor([statistics.mean, statistics.std])[:, :, None, None, None]
        self.register_buffer("moments", moments)

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """A sample in units of training, and in those of the autoencoder's latents times the scale factor."""
        one = torch.ones_like(noise[:, 0, 0, 0, 0])
        normalised = noise - self.velocity(noise, one, torch.zeros_like(one))
        mean, std = self.get_buffer("moments")
        return normalised, normalised * std + mean


def velocity_program(subject: ExportedRun) -> ExportedProgram:
    """The velocity, for a batch of any size.

    Raises:
        InputError: torch cannot follow the network.
    """
    noise, times = _examples(subject)
    return _traced(VelocityProgram(subject), (noise, times, times / 2))


def one_step_program(subject: ExportedRun) -> ExportedProgram:
    """The sampler in one step, for a batch of any size.

    Raises:
        InputError: torch cannot follow the network.
    """
    return _traced(OneStepProgram(subject), _examples(subject)[:1])


def save_program(program: ExportedProgram, path: Path) -> None:
    """Write a program as an archive of JSON and bare numbers: no pickle is in it, and no path of this machine."""
    program.example_inputs = None  # torch would pickle them
    for module in program.graph_module.modules():
        for node in module.graph.nodes if hasattr(module, "graph") else ():
            node.meta.pop("stack_trace", None)  # lines of source with the folders they stand in
    torch.export.save(program, path)


def _examples(subject: ExportedRun) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((TRACED, *subject.store.latent_shape), generator=generator)
    return noise, torch.linspace(0.5, 1, TRACED)


@torch.no_grad()
def _traced(module: nn.Module, examples: tuple[Tensor, ...]) -> ExportedProgram:
    batch = Dim("batch", min=1)
    try:
        return torch.export.export(module.eval(), examples, dynamic_shapes=tuple({0: batch} for _ in examples))
    except Exception as error:  # of torch, which has many, or of the user's own network
        problem = f"torch.export cannot follow the network ({told(error)})"
        remedy = "let its forward take no decision by the numbers of a tensor, or use --to safetensors"
        raise InputError(problem, remedy=remedy, key="unet") from error
