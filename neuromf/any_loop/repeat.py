"""A step that does not repeat itself (law NUM-002), for loops of any library."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, SupportsFloat

from neuromf_spec.laws.silent_faults import step_repeats

from neuromf.any_loop.numbers import plain
from neuromf.monitor.guard.alarm import Alarm, Level, alarm_of

RTOL = 1e-3
"""Relative difference borne, as in our own trainings whose kernels need not repeat themselves bit for bit."""


def judge_repeat(loss: float, again: Callable[[], SupportsFloat], rtol: float = RTOL) -> list[Alarm]:
    """Compute a step's loss once more and hold it to the first one.

    Args:
        loss: of the step.
        again: computes it from the same weights and batch; it sets its own randomness, if it needs any.
        rtol: relative difference that is borne.
    """
    second = plain(again())
    finding = step_repeats(differing=[] if _same(loss, second, rtol) else [f"loss {loss:.9g}, then {second:.9g}"])
    return [] if finding.passed else [alarm_of("NUM-002", Level.IRREPRODUCIBLE, finding)]


def judge_twice(closure: Callable[[], SupportsFloat], rtol: float) -> list[Alarm]:
    """Compute a loss twice with the same torch randomness, which is left as it was found."""
    with kept_randomness():
        first = plain(closure())
    with kept_randomness():
        return judge_repeat(first, closure, rtol)


@contextmanager
def kept_randomness() -> Iterator[None]:
    """Give torch's random state back afterwards, that of the devices too, where torch is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()):
        yield


def _same(first: float, second: float, rtol: float) -> bool:
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return first == second or abs(second - first) <= rtol * abs(first)
