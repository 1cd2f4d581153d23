"""Micro-batches drawn ahead by worker processes, in order; what they hold does not depend on how many there are."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from neuromf.config.derived import run_facts
from neuromf.errors import InputError
from neuromf.flow.batch import Batch, rows_of_mf
from neuromf.processes import end_with_parent
from neuromf.training.batches.loader_workers import drawn_ahead
from neuromf.training.batches.source import BatchSource
from neuromf.training.process_group.interruption import SIGNALS
from neuromf.training.process_group.ranks import ProcessGroup

Key = tuple[int, int, int]
"""Optimiser step, first sample and number of samples of a micro-batch."""
Parts = tuple[Tensor, Tensor, Tensor, Tensor, str, Tensor | None, Tensor | None] | dict[str, Any]
"""A micro-batch's x, e, r, t on the CPU, its digest, covariates, mask, or what an `InputError` says: torch would pass
its class on without it."""
AHEAD = 2
"""Micro-batches a worker holds ready."""


class _Draws(Dataset[Parts]):
    """Each micro-batch as a pure function of its key."""

    def __init__(self, source: BatchSource) -> None:
        self._source = source

    def __getitem__(self, key: Key) -> Parts:
        try:
            batch = self._source.draw(*key)
        except InputError as error:
            return {"problem": error.problem, "remedy": error.remedy, "file": error.file, "key": error.key}
        return batch.x, batch.e, batch.r_B, batch.t_B, batch.digest, batch.y_BK, batch.mask


class Feed:
    """Hands out micro-batches in the order in which workers drew them."""

    def __init__(self, batches: Iterator[Parts], keys: Iterator[Key], device: torch.device) -> None:
        self._batches, self._keys, self._device = batches, keys, device
        self._next = next(keys, None)

    def take(self, key: Key) -> Batch | None:
        """The micro-batch at `key`, or None when it is not the next one.

        Raises:
            InputError: a worker met it.
        """
        if key != self._next:
            return None
        parts, self._next = next(self._batches), next(self._keys, None)
        if isinstance(parts, dict):
            raise InputError(**parts)
        rows = rows_of_mf(parts[2], parts[3])
        x, e, r_B, t_B, rows = (part.to(self._device, non_blocking=True) for part in (*parts[:4], rows))
        y_BK, mask = (None if part is None else part.to(self._device, non_blocking=True) for part in parts[5:])
        return Batch(x, e, r_B, t_B, digest=parts[4], mf_rows=rows, y_BK=y_BK, mask=mask)


@dataclass(frozen=True)
class BatchStream(BatchSource):
    """A source whose micro-batches were drawn ahead; one out of turn, as in a step run again, is drawn on the spot."""

    feed: Feed = field(kw_only=True)

    def draw(self, step: int, start: int, count: int) -> Batch:
        """As `BatchSource` draws it."""
        return self.feed.take((step, start, count)) or super().draw(step, start, count)


@contextmanager
def open_source(source: BatchSource, *, first: int, group: ProcessGroup, workers: int) -> Iterator[BatchSource]:
    """The source of a rank's micro-batches from step `first` on, drawn by `workers` processes, or here when 0."""
    if workers == 0:
        yield source
        return
    loader: DataLoader[Parts] = DataLoader(
        _Draws(replace(source, device=torch.device("cpu"))),
        batch_size=None,
        sampler=_KeyOrder(source, group, first),
        num_workers=workers,
        prefetch_factor=AHEAD,
        worker_init_fn=_prepare_worker,
        generator=torch.Generator(),  # or it would draw from torch's own, which a run leaves alone
        pin_memory=source.device.type == "cuda",
    )
    with drawn_ahead(loader) as batches:
        feed = Feed(batches, iter(_KeyOrder(source, group, first)), source.device)
        yield BatchStream(source.latents, source.config, source.device, source.covariates_NK, feed=feed)


@dataclass(frozen=True)
class _KeyOrder:
    """The keys of a rank's micro-batches from step `first` to the end of the run."""

    source: BatchSource
    group: ProcessGroup
    first: int

    def __iter__(self) -> Iterator[Key]:
        shares = self.group.share(self.source.micro_batches())
        for step in range(self.first, run_facts(self.source.config).optimiser_steps):
            for start, count in shares:
                yield step, start, count


def _prepare_worker(_index: int) -> None:
    """Leave signals to the trainer, which a scheduler sends to every process of a job, but end with it; one thread."""
    end_with_parent()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
