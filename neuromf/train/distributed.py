"""The processes that share an optimiser step: who takes which micro-batch, and what they agree on (law BATCH-002)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This process among those of a run.

    Attributes:
        rank: number of this process, from 0; rank 0 writes.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    def share(self, items: Sequence[T]) -> list[T]:
        """This rank's items of a list that all ranks hold, dealt out in turn; every rank gets as many.

        Raises:
            ValueError: the items cannot be dealt out evenly.
        """
        if len(items) % self.size:
            raise ValueError(f"{len(items)} micro-batches a step cannot be dealt out to {self.size} processes")
        return list(items[self.rank :: self.size])

    def total(self, values: Tensor) -> Tensor:
        """Sum over ranks, the same bits on each: no rank may halt alone (laws GUARD-002 and NUM-001)."""
        if self.size > 1:
            distributed.all_reduce(values)
            distributed.broadcast(values, src=0)
        return values

    def apart(self, values: Tensor) -> Tensor:
        """By rank, how many entries of a vector of integers are not those of rank 0; one zero where it is alone."""
        if self.size == 1:
            return torch.zeros(1, device=values.device)
        parts = [torch.empty_like(values) for _ in range(self.size)]
        distributed.all_gather(parts, values)
        return torch.stack([(part != parts[0]).sum() for part in parts])

    def collect(self, items: list[T]) -> list[T]:
        """What the ranks made of their shares, in the order in which `share` dealt them out.

        Raises:
            ValueError: on all ranks, when one took more or fewer than rank 0; their replicas would not show it.
        """
        if self.size == 1:
            return items
        parts: list[list[T]] = [[] for _ in range(self.size)]
        distributed.all_gather_object(parts, items)
        for rank, part in enumerate(parts):
            if len(part) != len(parts[0]):
                counts = f"rank {rank} took {len(part)} micro-batches of the step, rank 0 took {len(parts[0])}"
                raise ValueError(counts)
        return [item for turn in zip(*parts, strict=True) for item in turn]


def replicate(model: nn.Module, world: World, *, static_graph: bool) -> nn.Module:
    """The model itself, or a replica whose backward pass averages gradients over ranks.

    The derivative must be taken on the model itself: forward mode does not pass through the wrapper.
    """
    if world.size == 1:
        return model
    return DistributedDataParallel(model, static_graph=static_graph)


def synchronised(net: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Context of one micro-batch's forward and backward pass: ranks exchange gradients in the step's last alone."""
    if isinstance(net, DistributedDataParallel) and not last:
        context: AbstractContextManager[None] = net.no_sync()
        return context
    return nullcontext()


def current_world() -> World:
    """The process group's, or a world of one where there is none."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return World()
    return World(distributed.get_rank(), distributed.get_world_size())


def as_vector(values: dict[str, Tensor]) -> Tensor:
    """Scalars as one float64 vector, in order of the names."""
    return torch.stack([value.detach().double() for value in values.values()])
