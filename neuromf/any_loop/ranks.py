"""The guard of a loop of several processes; torch is asked only where the loop itself has loaded it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from neuromf.any_loop.numbers import finite_mean
from neuromf.any_loop.rules.reading import LoopReading

MISSING = -1e308
"""Stands for a number that a process was not told."""


def writes_here() -> bool:
    """Whether this process is the one that writes: rank 0 of torch.distributed, else of the environment, else alone."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return bool(distributed.get_rank() == 0)
    return os.environ.get("RANK", "0").strip() in ("", "0")


def over_all_ranks(reading: LoopReading) -> LoopReading:
    """The means of a step's numbers over the processes of torch.distributed, which all must call this."""
    from neuromf.any_loop.gathering import gathered

    own = [reading.loss, reading.raw, _cell(reading.grad_norm), _cell(reading.flow), _cell(reading.meanflow)]
    by_rank = gathered([*own, float(reading.skipped)])
    loss, raw, norm, flow, meanflow, skipped = (list(values) for values in zip(*by_rank, strict=True))
    return replace(
        reading,
        loss=finite_mean(loss),
        raw=finite_mean(raw),
        grad_norm=_mean(norm),
        flow=_mean(flow),
        meanflow=_mean(meanflow),
        skipped=any(skipped),
    )


def _cell(value: float | None) -> float:
    return MISSING if value is None else value


def _mean(values: list[float]) -> float | None:
    told = [value for value in values if value != MISSING]
    return finite_mean(told) if told else None
