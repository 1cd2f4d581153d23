"""Processes that start at once: forks of a server that imports torch once and trains nothing.

What a backward pass leaves does not fork, so that forks of the tests' own process could not train. The server has the
environment of when it was started: what a fork needs to know is given to it.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext


def forks() -> ForkServerContext:
    """A context of such processes; one server serves all tests of this process."""
    multiprocessing.set_forkserver_preload(["tests.support.before_forks"])
    return multiprocessing.get_context("forkserver")
