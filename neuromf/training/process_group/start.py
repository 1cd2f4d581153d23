"""A training among the processes that torchrun started: its place, its device, its process group."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch

# Functions of this module take the process group of the moment they are defined as a default, and keep it alive for
# good. torch imports it from within DDP; before any group is there it does no harm.
import torch.distributed.nn
from torch import distributed

from neuromf.errors import InputError
from neuromf.training.device.facts import seen_by_torch
from neuromf.training.process_group.place import launched_place
from neuromf.training.process_group.ranks import ProcessGroup, current_group
from neuromf.training.process_group.rendezvous import MEETING, met

PATIENCE = timedelta(hours=12)
"""How long ranks wait for each other: rank 0 may have a cohort to encode. torchrun ends all when one dies."""


def own_device_name(name: str | None) -> str | None:
    """The device that was asked for; among torchrun's processes a GPU of this one's own, where none is numbered.

    Raises:
        InputError: torch sees GPUs, but fewer than there are processes on this machine.
    """
    place = launched_place()
    if place.size == 1 or name not in (None, "cuda") or not torch.cuda.is_available():
        return name
    if place.local >= torch.cuda.device_count():
        of = f"process {place.local + 1} of {place.size} on this machine"
        remedy = "start as many processes as there are GPUs, or ask for more of them"
        raise InputError(f"{of} has no GPU of its own: {seen_by_torch()}", remedy=remedy, key="--device")
    return f"cuda:{place.local}"


@contextmanager
def process_group(device: torch.device, meeting: timedelta = MEETING) -> Iterator[ProcessGroup]:
    """The processes that share the run while the block runs; tensors on a GPU go by NCCL, all else by gloo.

    Args:
        device: of this process.
        meeting: how long they wait until all are there.

    Raises:
        InputError: they did not meet, as where the variables are left over from another launch.
    """
    if launched_place().size == 1:
        yield ProcessGroup()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    store, rank, size = met(meeting)
    store.set_timeout(PATIENCE)
    with init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE) as group:
        yield group


@contextmanager
def init_process_group(backend: str, **options: Any) -> Iterator[ProcessGroup]:  # noqa: ANN401
    """A process group that is really gone after the block, with the threads of its own.

    A thread of gloo that outlives it may let go of a last tensor while the interpreter ends, which aborts the process
    after all its work is done (pytorch issue 190489; seen once in some 30 pairs of ranks).

    Args:
        backend: torch's name of it.
        options: of `init_process_group`.
    """
    distributed.init_process_group(backend, **options)
    try:
        yield current_group()
    finally:
        distributed.destroy_process_group()
        gc.collect()  # wrappers of a module, which hold the group, stand in cycles
