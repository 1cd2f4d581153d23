"""Trainings of a study in processes beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

from neuromf.cli.console import progress_bar

Setting = TypeVar("Setting", bound=str)
Result = TypeVar("Result")


def trained_side_by_side(
    train: Callable[[Setting, int], Result], plan: Sequence[tuple[Setting, int]], processes: int | None
) -> Iterator[Result]:
    """What each training gives, in the order of the plan, as soon as it is there.

    A thread each: sums are in one order on any machine, and the trainings are independent.

    Args:
        train: makes one, from the name of its setting and its seed; a function of a module.
        plan: setting and seed of each.
        processes: how many at a time; None is one a core.
    """
    settings, seeds = zip(*plan, strict=True)
    with (
        progress_bar("trainings") as show,
        ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool,
    ):
        for place, one in enumerate(pool.map(train, settings, seeds)):
            show(place + 1, len(plan), settings[place])
            yield one
