"""What the monitors of a running training take of a step.

Seconds inside their own calls, by a stopwatch in the training itself: two trainings side by side, or the same one with
monitors on and off, differ by some per cent of a step for other reasons, which is more than is looked for.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from types import FunctionType

import torch
from neuromf_spec.laws.silent_faults import EVERY_STEPS, judged_step

from neuromf.config import load_config
from neuromf.monitor.engine import Monitor
from neuromf.monitor.guard.guard import DivergenceGuard
from neuromf.monitor.moments import latent_moments
from neuromf.training.batches.source import BatchSource
from neuromf.training.step.fault_probe import FaultProbe
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tools.performance.figures import Figure
from tools.performance.timing import seconds_of

MONITORS = (FaultProbe, Monitor, DivergenceGuard)
"""Whose every call is charged; what they are given is recorded with monitors off too."""
SHARE_BAR = 1.0
"""Per cent of a step, promised for steps of 50 ms and more."""
SETTING = (
    # A step of `smoke` took 194 ms on the two cores where this was chosen, this one a quarter of that: about 50 ms.
    "data.spacing_mm=6.0",
    "data.shape=[32,32,32]",
    "unet.channels=[16,32]",
    "unet.attention_levels=[false,true]",
    "training.batch_size_per_gpu=4",
    "training.gradient_accumulation_steps=1",
)


@dataclass(frozen=True)
class MonitorCost:
    """Seconds that a step takes, and those that its monitors take.

    Attributes:
        ordinary: of monitors, in a step in which only the trace row is judged.
        judged: of monitors, in one in fifty, in which silent faults are looked for.
        step: all else in an ordinary step.
    """

    ordinary: float
    judged: float
    step: float

    @property
    def amortised(self) -> float:
        """Of monitors in a step on the average, after the first ten; an ordinary one counts in full throughout."""
        return self.ordinary + self.judged / EVERY_STEPS

    def figures(self) -> list[Figure]:
        """Share of the step that was measured, and the seconds behind it."""
        return [
            Figure("step without its monitors", self.step, "s"),
            Figure("monitors: in a step", 1e3 * self.ordinary, "ms"),
            Figure("monitors: in one step of fifty", 1e3 * self.judged, "ms"),
            Figure("monitors: share of the step", 100 * self.amortised / self.step, "%", SHARE_BAR),
        ]


def monitor_cost(rounds: int, device: torch.device) -> MonitorCost:
    """Train with monitors on, and tell their seconds from those of the rest.

    Args:
        rounds: optimiser steps; those that a monitor judges in full are told apart.
        device: where they are made.
    """
    steps: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with charged(calls_of_monitors(), device) as bill:
        one_step = _training(device)
        for index in range(rounds):
            bill.seconds = 0.0
            whole = seconds_of(one_step, device)
            steps[judged_step(index)].append((bill.seconds, whole - bill.seconds))
    return MonitorCost(
        ordinary=statistics.median(monitors for monitors, _ in steps[False]),
        # The first step is warm-up.
        judged=statistics.median(monitors for monitors, _ in steps[True][1:]),
        step=statistics.median(rest for _, rest in steps[False]),
    )


def _training(device: torch.device) -> Callable[[], None]:
    """The next step of a training that is judged as it goes."""
    config = load_config(["smoke"], list(SETTING))
    latents = torch.randn((8, *config.latent_shape), generator=torch.Generator().manual_seed(0))
    state, source = initial_state(config, (1.0,) * 4, device), BatchSource(latents, config, device)
    monitor = Monitor(config, latent_moments(latents))

    def step() -> None:
        record = train_step(state, source, config)
        monitor.judge(record.row, record.verdict, record.checks)

    return step


@dataclass
class Bill:
    """Seconds that were charged."""

    seconds: float = 0.0


Call = tuple[type, str]
"""A class and the name of one of its functions."""


def calls_of_monitors() -> list[Call]:
    """Every public call of a monitor, and its making."""
    return [(owner, name) for owner in MONITORS for name, call in vars(owner).items() if _counts(name, call)]


@contextmanager
def charged(names: Sequence[Call], device: torch.device) -> Iterator[Bill]:
    """Charge these calls to a bill for as long as the block lasts."""
    bill = Bill()
    calls = [(owner, name, vars(owner)[name]) for owner, name in names]
    try:
        for owner, name, call in calls:
            setattr(owner, name, timed(call, bill, device))
        yield bill
    finally:
        for owner, name, call in calls:
            setattr(owner, name, call)


def _counts(name: str, call: object) -> bool:
    return isinstance(call, FunctionType) and (name == "__init__" or not name.startswith("_"))


def timed(call: Callable[..., object], bill: Bill, device: torch.device) -> Callable[..., object]:
    """The same function, whose seconds are charged to a bill."""

    @wraps(call)
    def paid(*given: object, **named: object) -> object:
        results: list[object] = []
        bill.seconds += seconds_of(lambda: results.append(call(*given, **named)), device)
        return results[0]

    return paid
