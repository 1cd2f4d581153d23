"""What the monitors of a running training add to a step."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import torch

from neuromf.config import Config, load_config
from neuromf.monitor.engine import Monitor
from neuromf.monitor.moments import latent_moments
from neuromf.train.batches import BatchSource
from neuromf.train.state import initial_state
from neuromf.train.step import train_step
from spec.laws.silent_faults import judged_step
from tools.performance.figures import Figure
from tools.performance.timing import Times, side_by_side

REFERENCE_STEP = 0.05
"""Seconds: the shortest step for which the share is promised."""
SHARE_BAR = 1.0
"""Per cent of a step."""
SETTING = ("data.spacing_mm=3.0", "data.shape=[64,64,64]", "training.gradient_accumulation_steps=1")


@dataclass(frozen=True)
class MonitorCost:
    """Seconds that the monitors add, and those of a step without them.

    Attributes:
        ordinary: added to a step in which only the trace row is judged.
        judged: added to one in fifty, in which silent faults are looked for.
        step: without monitors.
    """

    ordinary: float
    judged: float
    step: float

    @property
    def amortised(self) -> float:
        """Added to a step on the average, after the first ten."""
        return 0.98 * self.ordinary + 0.02 * self.judged

    def figures(self) -> list[Figure]:
        """Share of the step that was measured, and the seconds behind it."""
        share = 100 * self.amortised / max(self.step, REFERENCE_STEP)
        return [
            Figure("step without monitors", self.step, "s"),
            Figure("monitors: added to a step", 1e3 * self.ordinary, "ms"),
            Figure("monitors: added to one step in fifty", 1e3 * self.judged, "ms"),
            Figure("monitors: share of the step", share, "%", SHARE_BAR),
        ]


def monitor_cost(rounds: int, device: torch.device) -> MonitorCost:
    """Train two copies of one run side by side, one with monitors and one without.

    Args:
        rounds: optimiser steps of each that are timed; those a monitor judges in full are timed apart.
        device: where they train.
    """
    config = load_config(["smoke"], list(SETTING))
    latents = torch.randn((8, *config.data.latent_shape), generator=torch.Generator().manual_seed(0))
    with_monitors, without = _Run(config, latents, device), _Run(_off(config), latents, device)
    times: dict[bool, list[Times]] = {True: [], False: []}
    for index in range(rounds):
        calls = {"on": with_monitors.step, "off": without.step}
        order = calls if index % 2 else dict(reversed(calls.items()))
        full = judged_step(with_monitors.state.step)
        times[full].append(side_by_side(order, 1, device, warm_up=0))
    # The first step of each is warm-up.
    return MonitorCost(
        ordinary=_added(times[False]),
        judged=_added(times[True][1:]),
        step=statistics.median(one["off"][0] for one in times[False]),
    )


def _off(config: Config) -> Config:
    return config.model_copy(update={"training": config.training.model_copy(update={"monitors": False})})


def _added(times: list[Times]) -> float:
    return statistics.median(one["on"][0] - one["off"][0] for one in times)


class _Run:
    """A training whose steps are taken one at a time."""

    def __init__(self, config: Config, latents: torch.Tensor, device: torch.device) -> None:
        self.config, self.state = config, initial_state(config, (1.0,) * 4, device)
        self.source = BatchSource(latents, config, device)
        self.monitor = Monitor(config, latent_moments(latents))

    def step(self) -> None:
        record = train_step(self.state, self.source, self.config)
        self.monitor.judge(record.row, record.verdict, record.checks)
