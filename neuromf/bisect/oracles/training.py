"""A training that leaves nothing but its rows: the trainer's own steps, with the guard armed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from neuromf.config.derived import run_facts
from neuromf.config.load import load_config
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.monitor.alarm import Level
from neuromf.training.step import StepRecord

if TYPE_CHECKING:
    from torch import Tensor

HALTS = (Level.HALT, Level.NONFINITE, Level.IRREPRODUCIBLE)


def armed(config: Config, *, monitors: bool = False) -> Config:
    """The run with the recommended guard, whatever its own: who watches must not decide what is seen.

    Args:
        config: the run.
        monitors: whether the silent faults are looked for too, and a step that raises an alarm is run again.
    """
    recommended = load_config(["recommended"]).training
    names = ("divergence_threshold", "divergence_warn_ratio")
    guard = {name: getattr(recommended, name) for name in names}
    training = config.training.model_copy(update={**guard, "monitors": monitors, "diagnostics": False})
    return config.model_copy(update={"training": training})


def optimiser_steps(config: Config, micro_batches: int) -> int:
    """Updates that `micro_batches` are good for, at most the run's own, at least one."""
    steps = micro_batches // config.training.gradient_accumulation_steps
    return max(1, min(steps, run_facts(config).optimiser_steps))


def training_latents(config: Config) -> Tensor:
    """Normalised latents that a probe trains on.

    Raises:
        InputError: the data cannot be had.
    """
    from neuromf.training.latents import training_store

    latents = training_store(config).split("train")
    if not len(latents):
        raise InputError("the training split is empty", remedy="give more subjects", key="data.split_ratios")
    return latents


def training_records(
    config: Config, latents: Tensor, micro_batches: int, device: str | None = "cpu"
) -> Iterator[StepRecord]:
    """Steps of a training on `latents`, up to the number of micro-batches or the guard's halt."""
    import torch

    from neuromf.training.batches import BatchSource
    from neuromf.training.device import choose_device
    from neuromf.training.state import initial_state
    from neuromf.training.step import train_step

    where = torch.device("cpu") if device == "cpu" else choose_device(device)
    state = initial_state(config, tuple(latents.double().std(dim=(0, 2, 3, 4)).tolist()), where)
    source = BatchSource(latents, config, where)
    for _ in range(optimiser_steps(config, micro_batches)):
        record = train_step(state, source, config)
        yield record
        if record.verdict.level in HALTS:
            return
