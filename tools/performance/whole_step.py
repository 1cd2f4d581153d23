"""Whole optimiser steps, from draw to record: what MeanFlow costs in flow-matching steps of the same training."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal
from unittest import mock

import torch
from torch import Tensor

from neuromf.config import Config, load_config
from neuromf.flow import mf_derivative
from neuromf.flow.jvp import Derivative, Field
from neuromf.flow.settings import ObjectiveSettings
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tools.performance.figures import Figure
from tools.performance.step_cost import ONE_MORE_EVALUATION, TIME_BARS
from tools.performance.timing import ratio, side_by_side
from tools.performance.workload import CPU_SETTING, MEANFLOW_FRACTION

EFFECTIVE_BATCH = 16
MICRO_BATCHES = (4, 8, 16)
REPEATS = 3
BAR = TIME_BARS["cpu"]
Kind = Literal["flow matching", "exact MeanFlow", "improved MeanFlow", "torch.func.jvp on the MF samples"]
BASE: Kind = "flow matching"
BARS: dict[Kind, float] = {"exact MeanFlow": BAR, "improved MeanFlow": BAR + ONE_MORE_EVALUATION}
OVERRIDES: dict[Kind, tuple[str, ...]] = {
    "flow matching": ("time_sampling.data_proportion=1.0", "meanflow.tangent=conditional"),
    "exact MeanFlow": ("meanflow.tangent=conditional",),
    "improved MeanFlow": ("meanflow.tangent=model",),
    "torch.func.jvp on the MF samples": ("meanflow.tangent=conditional",),
}


@dataclass(frozen=True)
class Price:
    """What a kind of step costs, in flow-matching steps of the same micro-batch.

    Attributes:
        kind: of step.
        micro_batch: samples of a forward pass.
        ratios: the median of each repeat.
    """

    kind: Kind
    micro_batch: int
    ratios: tuple[float, ...]

    def figure(self) -> Figure:
        """The median of the repeats, with the lowest and the highest, against the bar of its kind."""
        name = f"whole step of {self.kind} over flow matching, micro-batches of {self.micro_batch}"
        low, middle, high = min(self.ratios), statistics.median(self.ratios), max(self.ratios)
        return Figure(name, middle, "x", BARS.get(self.kind), low=low, high=high)


def prices(micro_batch: int, rounds: int, device: torch.device, repeats: int = REPEATS) -> list[Price]:
    """Time each kind of step in turn, round after round, and the whole several times.

    Args:
        micro_batch: samples of a forward pass; a step has `EFFECTIVE_BATCH`.
        rounds: of a repeat.
        device: where the steps are made.
        repeats: how often all is measured, each time from new weights.
    """
    found: dict[Kind, list[float]] = {kind: [] for kind in OVERRIDES if kind != BASE}
    for _ in range(repeats):
        times = side_by_side({kind: step_of(kind, micro_batch, device) for kind in OVERRIDES}, rounds, device)
        for kind, ratios in found.items():
            ratios.append(ratio(times, kind, BASE))
    return [Price(kind, micro_batch, tuple(ratios)) for kind, ratios in found.items()]


def configured(kind: Kind, micro_batch: int) -> Config:
    """The run that a kind of step belongs to."""
    overrides = (
        f"time_sampling.data_proportion={1 - MEANFLOW_FRACTION}", f"training.batch_size_per_gpu={micro_batch}",
        f"training.gradient_accumulation_steps={EFFECTIVE_BATCH // micro_batch}", "training.gpus=1",
    )  # fmt: skip
    return load_config(["recommended"], [*CPU_SETTING, *overrides, *OVERRIDES[kind]])


def step_of(kind: Kind, micro_batch: int, device: torch.device) -> Callable[[], None]:
    """The next whole step of a training, each time it is called."""
    config = configured(kind, micro_batch)
    latents = torch.randn((8, *config.latent_shape), generator=torch.Generator().manual_seed(0))
    state, source = initial_state(config, (1.0,) * 4, device), BatchSource(latents, config, device)

    def step() -> None:
        with _rival() if kind.startswith("torch.func") else nullcontext():
            train_step(state, source, config)

    return step


@contextmanager
def _rival() -> Iterator[None]:
    """The derivative as torch's own `jvp` takes it, without gradient; what is around it stays the trainer's."""

    def derivative(
        field: Field, z: Tensor, r_B: Tensor, t_B: Tensor, tangent: Tensor, settings: ObjectiveSettings
    ) -> Derivative:
        with torch.no_grad():
            u, dudt = torch.func.jvp(  # type: ignore[misc]
                lambda point, time: field(point, r_B, time), (z, t_B), (tangent, torch.ones_like(t_B))
            )
        return Derivative(u, dudt)

    with mock.patch.object(mf_derivative, "total_derivative", derivative):
        yield
