"""How the processes of a run find each other, and what is said where they do not."""

from __future__ import annotations

import os
import queue
import threading
from datetime import timedelta

from torch import distributed
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from neuromf.errors import InputError
from neuromf.training.process_group.place import REMEDY, launched_place

MEETING = timedelta(minutes=10)
"""How long processes wait until all are there. They are started at once and have only imported and read their
configuration before, a minute or two on a busy file system; whoever is not there by then never will be."""
SLACK_S = 5.0
"""Seconds more, for torch rounds up, and waits for ever where another program takes its call."""

Met = tuple[Store, int, int]
"""The store that all share, the number of this process, and how many they are."""


def met(meeting: timedelta) -> Met:
    """Meet the other processes where the environment says.

    Args:
        meeting: how long to wait for them.

    Raises:
        InputError: they did not meet, as where the variables are left over from another launch.
    """
    came: queue.SimpleQueue[Met | Exception] = queue.SimpleQueue()

    def meet() -> None:
        try:
            came.put(next(rendezvous("env://", timeout=meeting)))
        except Exception as error:
            came.put(error)

    # In a thread: torch waits without an end for a program that takes its call and says nothing, and is deaf to Ctrl-C.
    threading.Thread(target=meet, daemon=True, name="rendezvous").start()
    try:
        found = came.get(timeout=meeting.total_seconds() + SLACK_S)
    except queue.Empty as error:
        raise _not_met("nothing there answers") from error
    if isinstance(found, distributed.DistError):
        raise _not_met(str(found).splitlines()[0].rstrip(".")) from found
    if isinstance(found, Exception):
        raise found
    return found


def _not_met(reason: str) -> InputError:
    place, at = launched_place(), f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    problem = f"is {place.size} and RANK is {place.rank}, but they did not meet"
    problem += f" at MASTER_ADDR:MASTER_PORT, {at} ({reason})"
    if os.environ.get("TORCHELASTIC_RUN_ID"):
        remedy = "see what the other processes said, and whether this one can reach that address"
        return InputError(problem, remedy=remedy, key="WORLD_SIZE")
    problem += "; TORCHELASTIC_RUN_ID, which torchrun sets, is not set: they may be left over from another launch"
    return InputError(problem, remedy=REMEDY, key="WORLD_SIZE")
