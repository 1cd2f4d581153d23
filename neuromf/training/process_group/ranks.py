"""The processes that share an optimiser step: who takes which micro-batch, and what they agree on (law BATCH-002)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from neuromf.config.unsupported import SHARDING
from neuromf.errors import InputError
from neuromf.training.process_group.interruption import Interrupted

T = TypeVar("T")


class ToldError(InputError):
    """What rank 0 met and has told every rank: one of them saying so is enough."""


@dataclass(frozen=True)
class _Told:
    """What rank 0 tells the others of something that it did for all."""

    result: Any = None
    refusal: dict[str, Any] | None = None
    signal: str = ""
    error: str = ""

    def open(self) -> Any:  # noqa: ANN401
        if self.refusal is not None:
            raise ToldError(**self.refusal)
        if self.signal:
            raise Interrupted(self.signal)
        if self.error:
            raise RuntimeError(self.error)
        return self.result


@dataclass(frozen=True)
class ProcessGroup:
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

    def gather(self, values: Tensor) -> Tensor:
        """Every rank's values of one shape, stacked in order of rank."""
        if self.size == 1:
            return values[None]
        parts = [torch.empty_like(values) for _ in range(self.size)]
        distributed.all_gather(parts, values)
        return torch.stack(parts)

    def any(self, here: bool) -> bool:
        """Whether a fact holds on some rank, the same answer on each."""
        if self.size == 1:
            return here
        flag = torch.tensor([int(here)])
        distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
        return bool(flag.item())

    def run_on_rank_zero(self, action: Callable[[], T]) -> T:
        """What `action` gives on rank 0, which alone runs it; however it ends there, every rank hears of it.

        Raises:
            ToldError: rank 0 met an `InputError`.
            Interrupted: a signal ended it.
            RuntimeError: on the other ranks, where rank 0 met another error.
        """
        if self.size == 1:
            return action()
        told = _Told()
        error: Exception | None = None
        if self.rank == 0:
            try:
                told = _Told(result=action())
            except InputError as refused:
                about = {"problem": refused.problem, "remedy": refused.remedy, "file": refused.file, "key": refused.key}
                told = _Told(refusal=about)
            except Interrupted as stopped:
                told = _Told(signal=stopped.name)
            except Exception as other:
                error, told = other, _Told(error=f"rank 0 met {type(other).__name__}: {other}")
        box: list[Any] = [told]
        distributed.broadcast_object_list(box, src=0)
        if error is not None:
            raise error
        return cast(T, box[0].open())

    def count_mismatches(self, values: Tensor) -> Tensor:
        """By rank, how many entries of a vector of integers are not those of rank 0; one zero where it is alone."""
        by_rank = self.gather(values)
        return (by_rank != by_rank[0]).sum(1)


def replicate(module: nn.Module, group: ProcessGroup, *, static_graph: bool) -> nn.Module:
    """The module itself, or a replica whose backward pass averages gradients over ranks.

    Raises:
        InputError: its weights are sharded.
    """
    sharding = sys.modules.get("torch.distributed.tensor")  # where nothing imported it, two seconds, nothing is sharded
    if sharding is not None and any(isinstance(parameter, sharding.DTensor) for parameter in module.parameters()):
        raise InputError(SHARDING.reason, remedy=SHARDING.remedy, key="FSDP")
    if group.size == 1:
        return module
    return DistributedDataParallel(module, static_graph=static_graph)


def synchronised(net: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Context of one micro-batch's forward and backward pass: ranks exchange gradients in the step's last alone.

    With a static graph they do so in each, for torch learns the graph from a pass that exchanges them and fails in one
    that does not; the sum over micro-batches is the same.
    """
    if isinstance(net, DistributedDataParallel) and not (last or net.static_graph):
        context: AbstractContextManager[None] = net.no_sync()
        return context
    return nullcontext()


def current_group() -> ProcessGroup:
    """The process group's, or one of this process alone where there is none."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return ProcessGroup()
    return ProcessGroup(distributed.get_rank(), distributed.get_world_size())


def as_vector(values: Mapping[str, Tensor]) -> Tensor:
    """Scalars as one float64 vector, in order of the names."""
    return torch.stack([value.detach().double() for value in values.values()])
