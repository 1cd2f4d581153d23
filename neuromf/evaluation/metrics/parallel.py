"""Work on several volumes at a time, where they are too small to fill a processor's cores one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

SMALL_CELLS = 32**3
"""Cells of a latent up to which several are in work together; larger ones would take the memory of as many."""
Given = TypeVar("Given")
Made = TypeVar("Made")


def each(
    function: Callable[[Given], Made], items: Iterable[Given], *, cells: int, device: torch.device | str = "cpu"
) -> Iterator[Made]:
    """Results in the order of the items, on the CPU as many at a time as torch has threads, each on one thread.

    Measured: a volume of 64 voxels decodes in 0.46 s on one thread and 0.27 s on two, so that two at a time on one
    thread each take 0.23 s a volume.

    Args:
        function: of an item.
        items: what is worked on.
        cells: of a latent, along all its axes together.
        device: where it is worked on.
    """
    threads = torch.get_num_threads()
    if threads == 1 or cells > SMALL_CELLS or torch.device(device).type != "cpu":
        yield from map(function, items)
        return

    def alone(item: Given) -> Made:
        torch.set_num_threads(1)  # of this thread alone
        return function(item)

    try:
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(alone, items)
    finally:
        torch.set_num_threads(threads)
