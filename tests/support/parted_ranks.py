"""What one rank does when its replica parts from the others, and what the monitor tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import Any
from unittest import mock

import torch
from neuromf_spec.laws.silent_faults import EVERY_STEPS, FIRST_STEPS

from neuromf.config import Config
from neuromf.monitor.engine import Monitor
from neuromf.monitor.moments import latent_moments
from neuromf.training.batches.source import BatchSource
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.step import backward
from neuromf.training.step.state import TrainState, initial_state
from neuromf.training.step.train_step import train_step
from tests.support.double_source import DoubleSource
from tests.support.rank_worker import CPU, SHAPE, SMALL, TWO_RANKS, bilinear_state, latents
from tests.support.tiny_run import make_tiny_config

CULPRIT = 1
"""The rank that parts."""
PARTED_AT, STEPS = 1, 3
"""Step before which the U-Net's replica parts, and steps of its run."""
UNSEEN_AT = FIRST_STEPS
"""The worst step to part at: the first that is not judged, with the longest wait for one that is."""


def one_ulp(state: TrainState) -> None:
    """The largest entry of the first parameter becomes the next number above it.

    A small one would soon pass a power of two, where the coarser grid rounds both replicas to the same bits again.
    """
    parameter = next(state.model.parameters())
    with torch.no_grad():
        largest = int(parameter.argmax())
        entry = parameter.view(-1)[largest : largest + 1]
        entry.copy_(torch.nextafter(entry, torch.full_like(entry, torch.inf)))


def told(
    state: TrainState, source: BatchSource, config: Config, steps: int, parted_at: int = -1
) -> list[dict[str, Any]]:
    """Events of BATCH-003 in some steps; before step `parted_at`, the culprit's replica is off by one ulp."""
    monitor, found = Monitor(config, latent_moments(source.latents)), []
    for step in range(steps):
        if step == parted_at and state.group.rank == CULPRIT:
            one_ulp(state)
        record = train_step(state, source, config)
        found += monitor.judge(record.row, record.verdict, record.checks)
    return [asdict(event) for event in found if event.law == "BATCH-003"]


def unet_told(group: ProcessGroup, parted_at: int = -1) -> list[dict[str, Any]]:
    """The U-Net in float32 over three steps."""
    config = make_tiny_config(*TWO_RANKS, "training.learning_rate=0.001")
    state = initial_state(config, (1.0,) * 4, CPU, group)
    return told(state, BatchSource(latents(SHAPE), config, CPU), config, STEPS, parted_at)


def long_told(group: ProcessGroup) -> list[dict[str, Any]]:
    """The bilinear net in float64 up to the first step that is judged again."""
    overrides = (*TWO_RANKS, "meanflow.prediction=u", "training.diagnostics=false", "training.epochs=40")
    config = make_tiny_config(*overrides)
    state, source = bilinear_state(config, group), DoubleSource(latents(SMALL), config, CPU)
    return told(state, source, config, EVERY_STEPS + 1, UNSEEN_AT)


def without_exchange() -> Any:
    """Every backward pass goes past the wrapper's exchange, on all ranks."""
    return mock.patch.object(backward, "synchronised", lambda net, *, last: net.no_sync())


@contextmanager
def skipping(group: ProcessGroup) -> Iterator[None]:
    """The culprit leaves out its first micro-batch of a step."""
    original: Callable[..., list[Any]] = ProcessGroup.share
    skip = mock.patch.object(ProcessGroup, "share", lambda self, items: original(self, items)[1:])
    with skip if group.rank == CULPRIT else nullcontext():
        yield


def refusal(group: ProcessGroup) -> str:
    """What a step says in which one rank skips a micro-batch."""
    try:
        with skipping(group):
            unet_told(group)
    except ValueError as error:
        return str(error)
    return ""


def observe_parting(group: ProcessGroup) -> dict[str, Any]:
    """All of the above."""
    with without_exchange():
        exchanged = unet_told(group)
    return {
        "healthy": unet_told(group),
        "ulp": unet_told(group, PARTED_AT),
        "late": long_told(group),
        "no exchange": exchanged,
        "skipped": refusal(group),
    }
