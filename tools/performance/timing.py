"""Times of several calls taken side by side, so that what else the machine does meets all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

Name = TypeVar("Name", bound=str)
Times = dict[str, list[float]]
"""Seconds of each round, by name."""


def side_by_side(
    calls: Mapping[Name, Callable[[], object]], rounds: int, device: torch.device, warm_up: int = 1
) -> Times:
    """Call each in turn, round after round, and keep the seconds of each.

    Args:
        calls: what to time.
        rounds: how often.
        device: synchronised before the clock is read.
        warm_up: rounds before those that count.
    """
    times: Times = {name: [] for name in calls}
    for index in range(warm_up + rounds):
        for name, call in calls.items():
            seconds = seconds_of(call, device)
            if index >= warm_up:
                times[name].append(seconds)
    return times


def ratio(times: Times, name: str, base: str) -> float:
    """Median over the rounds of one call's time over another's in the same round."""
    return statistics.median(a / b for a, b in zip(times[name], times[base], strict=True))


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call and of the work it leaves on the device."""
    _synchronise(device)
    start = time.perf_counter()
    call()
    _synchronise(device)
    return time.perf_counter() - start


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
