"""What a step costs with all that is recorded and judged of it, over the bare step.

The bare step is forward and backward pass, clip, Adam and average. The whole one is the trainer's own, written into a
run's folder: trace, TensorBoard, events, summary, times and monitors, once with all weights measured in every step and
once in one of ten. The trainings take turns, so that what else the machine does meets all; batches are drawn
beforehand, as loader workers do it in a run. Ten steps in a row are added up: the one that measures counts too.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from neuromf.config import Config, load_config
from neuromf.config.derived import run_facts
from neuromf.flow.batch import Batch
from neuromf.training.batches.source import BatchSource
from neuromf.training.records.run_folder import create_run
from neuromf.training.run_writer import open_run_writer
from neuromf.training.step.optimiser import clip, gradients
from neuromf.training.step.state import TrainState, initial_state
from neuromf.training.step.train_step import train_step
from tools.performance.figures import Figure
from tools.performance.monitor_cost import SETTING
from tools.performance.timing import side_by_side

RATIO_BAR = 1.05
NAME = "whole step over a bare one"
LATENTS = 8
EVERY = 10
"""Steps between two readings of all weights in the run that is held to the bar."""


@dataclass(frozen=True)
class _Drawn(BatchSource):
    """Gives the same batch again and again, drawn once with its digest."""

    batch: Batch = field(kw_only=True)

    def draw(self, step: int, start: int, count: int) -> Batch:
        """The batch, whatever is asked for."""
        return self.batch


def recording_cost(folder: Path, rounds: int, device: torch.device) -> list[Figure]:
    """Time whole and bare steps in turn.

    Args:
        folder: of the run that is recorded.
        rounds: pairs of steps; the first ten, of which each is judged for silent faults, come before.
        device: where they are made.
    """
    setting = [*SETTING, "training.checkpoint_every_steps=1000000"]
    config = load_config(["smoke"], setting)
    rarely = load_config(["smoke"], [*setting, f"training.measure_weights_every_steps={EVERY}"])
    with _whole(folder / "each", config, device) as whole, _whole(folder / "rarely", rarely, device) as thin:
        arms = {"bare": _bare(config, device), "whole": whole, "rarely": thin}
        times = side_by_side(arms, rounds, device, warm_up=10)
    return [
        Figure("bare step", statistics.median(times["bare"]), "s"),
        *_over_bare(NAME, times["whole"], times["bare"], None),
        *_over_bare(f"{NAME}, weights measured every {EVERY} steps", times["rarely"], times["bare"], RATIO_BAR),
    ]


def _over_bare(name: str, whole: Sequence[float], bare: Sequence[float], bar: float | None) -> list[Figure]:
    """The median of the ratios of ten steps in a row, and the quartiles."""
    tens = range(0, len(bare), EVERY)
    ratios = [sum(whole[first : first + EVERY]) / sum(bare[first : first + EVERY]) for first in tens]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return [
        Figure(name, middle, "", bar), Figure(f"{name}, lower quartile", low), Figure(f"{name}, upper quartile", high),
    ]  # fmt: skip


def _start(config: Config, device: torch.device) -> tuple[TrainState, _Drawn, torch.Tensor]:
    latents = torch.randn((LATENTS, *config.latent_shape), generator=torch.Generator().manual_seed(0))
    source = BatchSource(latents, config, device)
    batch = source.draw(0, *source.micro_batches()[0])
    return initial_state(config, (1.0,) * 4, device), _Drawn(latents, config, device, batch=batch), latents


def _bare(config: Config, device: torch.device) -> Callable[[], None]:
    state, source, _ = _start(config, device)
    limit = config.training.gradient_clip

    def step() -> None:
        state.optimiser.zero_grad(set_to_none=True)
        for start, size in source.micro_batches():
            loss = state.net(source.draw(0, start, size))
            (loss.weighted_B.sum() / run_facts(config).effective_batch).backward()
        if limit is not None:
            grads = gradients(state.model.parameters())
            clip(state.model.parameters(), torch.nn.utils.get_total_norm(grads), limit)
        state.optimiser.step()
        state.ema.update(state.model)

    return step


@contextmanager
def _whole(folder: Path, config: Config, device: torch.device) -> Iterator[Callable[[], None]]:
    state, source, latents = _start(config, device)
    with open_run_writer(create_run(folder, config, "0" * 64), config, latents, state) as writer:
        assert writer is not None  # this process is alone

        def step() -> None:
            writer.record(train_step(state, source, config))

        yield step
