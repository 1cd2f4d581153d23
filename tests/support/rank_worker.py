"""What one rank of a distributed test does: the same few steps as a single process, with its share of the samples."""

from __future__ import annotations

import itertools
import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, distributed, multiprocessing
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks

from neuromf.config import Config
from neuromf.errors import InputError
from neuromf.flow.batch import Batch
from neuromf.training.batches.source import BatchSource
from neuromf.training.loop import train
from neuromf.training.process_group.ranks import ProcessGroup, replicate
from neuromf.training.process_group.start import init_process_group
from neuromf.training.records.run_folder import RunFolder, create_run
from neuromf.training.step import metrics
from neuromf.training.step.state import TrainState, initial_state, state_around
from neuromf.training.step.train_step import StepRecord, train_step
from tests.support.double_source import DoubleSource
from tests.support.fork_server import forks
from tests.support.law_strategies import BilinearModule, bilinear_reference
from tests.support.reference_training import configured, drawn_options, net_of, train_records
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
SHAPE, SMALL = (4, 8, 8, 8), (4, 2, 2, 2)
"""Latents of the U-Net and of the bilinear net, whose matrix has the square of their size."""
STEPS = 3
TWO_RANKS = ("training.gpus=2", "training.gradient_accumulation_steps=2", "training.batch_size_per_gpu=2")
"""Four micro-batches of two samples a step: two for each of two ranks."""


DRAWS = range(8)
"""Seeds of the settings that are trained on ranks: among eight each value of each option is there."""

Observer = Callable[[ProcessGroup], dict[str, Any]]
"""What a rank does; a function of a module, for it is named to another process."""


@dataclass(frozen=True)
class PoisonedSource(BatchSource):
    """The trainer's batches with data that is not finite in micro-batches from `first` on."""

    first: int = 0

    def draw(self, step: int, start: int, count: int) -> Batch:
        """Finite before sample `first`."""
        batch = super().draw(step, start, count)
        return replace(batch, x=batch.x * torch.inf) if start >= self.first else batch


def latents(shape: tuple[int, ...] = SHAPE) -> Tensor:
    """Five latents of unit variance."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal((5, *shape)).astype(np.float32))


def bilinear_state(config: Config, group: ProcessGroup) -> TrainState:
    """A trainer's state around the bilinear net, in float64."""
    module = BilinearModule(bilinear_reference(0, math.prod(SMALL)))
    return state_around(module, config, group)


@dataclass(frozen=True)
class Exchange:
    """The first step of the U-Net.

    Attributes:
        own: gradient as this rank holds it after the exchange.
        gathered: as all ranks hold it, gathered by this one.
        synchronised: by micro-batch, whether gradients were exchanged in it.
    """

    own: Tensor
    gathered: list[Tensor]
    synchronised: list[bool]


def first_gradient(group: ProcessGroup, *overrides: str) -> Exchange:
    """Take the first step."""
    config = make_tiny_config(*TWO_RANKS, "training.gradient_clip=null", *overrides)
    state = initial_state(config, (1.0,) * 4, CPU, group)
    for parameter in state.model.parameters():  # every zero filled, or only the last layer has a gradient
        if not parameter.any():
            torch.nn.init.constant_(parameter, 0.02)
    exchanged: list[bool] = []

    def heard(*_: object) -> None:
        if torch.is_grad_enabled():  # what is differentiated before carries no gradient
            exchanged.append(_exchanges(state.net))

    state.model.register_forward_pre_hook(heard)
    train_step(state, BatchSource(latents(), config, CPU), config)
    own = torch.cat([p.grad.flatten() for p in state.model.parameters() if p.grad is not None])
    gathered = [torch.empty_like(own) for _ in range(group.size)]
    if group.size > 1:
        distributed.all_gather(gathered, own)
    return Exchange(own, gathered, [flag for flag, _ in itertools.groupby(exchanged)])


def _exchanges(net: torch.nn.Module) -> bool:
    return bool(getattr(net, "require_backward_grad_sync", False))


def told_by_rank_0(group: ProcessGroup) -> tuple[str, str]:
    """What rank 0 alone knows, and what it was refused, as this rank hears of it."""
    known = group.run_on_rank_zero(lambda: f"from {group.rank}")

    def refuse() -> str:
        raise InputError(f"refused on {group.rank}", remedy="mend it", file="there", key="this")

    try:
        return known, group.run_on_rank_zero(refuse)
    except InputError as error:
        return known, error.sentence


def trace(group: ProcessGroup) -> list[dict[str, object]]:
    """Rows of three steps of the bilinear net in float64."""
    overrides = (*TWO_RANKS, "meanflow.prediction=u", "training.diagnostics=false", "training.learning_rate=0.01")
    config = make_tiny_config(*overrides)
    state, source = bilinear_state(config, group), DoubleSource(latents(SMALL), config, CPU)
    return [train_step(state, source, config).row for _ in range(STEPS)]


def options_on_ranks(seed: int) -> dict[str, Any]:
    """Options that are drawn, with what two ranks can share."""
    return {**drawn_options(seed), "training.gpus": 2, "training.batch_size_per_gpu": 2}


def drawn_trainings(group: ProcessGroup) -> list[list[StepRecord]]:
    """Records of five steps of the bilinear net, at each of several settings."""
    configs = [configured(options_on_ranks(seed)) for seed in DRAWS]
    return [train_records(config, net_of(config), group) for config in configs]


def verdict_on_poison(group: ProcessGroup) -> tuple[str, int]:
    """Level and step after a step in which only the last micro-batch, another rank's, is not finite."""
    config = make_tiny_config(*TWO_RANKS)
    state = initial_state(config, (1.0,) * 4, CPU, group)
    record = train_step(state, PoisonedSource(latents(), config, CPU, first=6), config)
    return record.verdict.level.value, state.step


def verdict_on_one_ranks_memory(group: ProcessGroup, name: str) -> tuple[str, int]:
    """Level and step after a step with data that are not finite, of which rank 1 reads one number as it likes."""
    config = make_tiny_config(*TWO_RANKS)
    state = initial_state(config, (1.0,) * 4, CPU, group)
    original, reads = metrics.read_back, itertools.count(1)

    def read_back(tensors: dict[str, Tensor]) -> dict[str, float]:
        values = original(tensors)
        return {**values, name: float(next(reads))} if name in values and group.rank else values

    with mock.patch.object(metrics, "read_back", read_back):
        record = train_step(state, PoisonedSource(latents(), config, CPU), config)
    return record.verdict.level.value, state.step


def verdict_on_one_ranks_norm(group: ProcessGroup) -> tuple[str, int]:
    """Level and step after a step in which rank 1 alone reads a gradient norm that is not finite, each time."""
    config = make_tiny_config(*TWO_RANKS)
    state = initial_state(config, (1.0,) * 4, CPU, group)
    original = metrics.read_back

    def read_back(tensors: dict[str, Tensor]) -> dict[str, float]:
        values = original(tensors)
        return {**values, "grad_norm": math.nan} if "grad_norm" in values and group.rank else values

    with mock.patch.object(metrics, "read_back", read_back):
        record = train_step(state, BatchSource(latents(), config, CPU), config)
    return record.verdict.level.value, state.step


def bucket_layouts(group: ProcessGroup) -> list[list[tuple[int, ...]]]:
    """Sizes of the gradients in each bucket, in order, of each exchange in a training of three steps."""
    config = make_tiny_config(*TWO_RANKS)
    folder = Path(group.run_on_rank_zero(tempfile.mkdtemp))
    run = RunFolder(folder / "run")
    group.run_on_rank_zero(lambda: bool(create_run(run.root, config, "none")))
    layouts: list[list[tuple[int, ...]]] = []

    def hook(_, bucket):  # without types: torch takes text in their place for another type
        if bucket.index() == 0:
            layouts.append([])
        layouts[-1].append(tuple(gradient.numel() for gradient in bucket.gradients()))
        return default_hooks.allreduce_hook(distributed.group.WORLD, bucket)

    def replica(*given: Any, **named: Any) -> torch.nn.Module:
        net = replicate(*given, **named)
        net.register_comm_hook(None, hook)
        return net

    with mock.patch("neuromf.training.step.state.replicate", replica):
        train(config, latents(), run, device=CPU, max_steps=3)
    group.run_on_rank_zero(lambda: shutil.rmtree(folder))
    return layouts


def observe(group: ProcessGroup) -> dict[str, Any]:
    """All of the above."""
    difference = ("meanflow.jvp=finite_difference", "meanflow.fd_step=0.001")
    return {
        "first": first_gradient(group),
        "static": first_gradient(group, *difference, "training.ddp_static_graph=true").own,
        "dynamic": first_gradient(group, *difference).own,
        "trace": trace(group),
        "drawn": drawn_trainings(group),
        "poison": verdict_on_poison(group),
        "one_memory": verdict_on_one_ranks_memory(group, "block.middle_block"),
        "one_norm": verdict_on_one_ranks_norm(group),
        "layouts": bucket_layouts(group) if group.size > 1 else [],
        "told": told_by_rank_0(group),
        "any": (group.any(group.rank == group.size - 1), group.any(False)),
    }


def _rank(rank: int, size: int, folder: str, observer: Observer) -> None:
    torch.set_num_threads(1)
    store = distributed.FileStore(f"{folder}/store", size)
    with init_process_group("gloo", store=store, rank=rank, world_size=size) as group:
        found = observer(group)
    torch.save({**found, "threads_left": gloo_threads()}, f"{folder}/rank{rank}.pt")


def gloo_threads() -> list[str]:
    """Names of this process's threads that are gloo's, where the system tells (Linux)."""
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return [name for name in names if "gloo" in name]


def run_ranks(folder: Path, size: int, observer: Observer = observe) -> list[dict[str, Any]]:
    """What each of `size` gloo processes observed."""
    method = forks().get_start_method()
    multiprocessing.start_processes(_rank, args=(size, str(folder), observer), nprocs=size, start_method=method)
    return [torch.load(folder / f"rank{rank}.pt", weights_only=False) for rank in range(size)]
