"""The guard of our trainings, shown the levels of a log: what it says, when, and what would have been saved."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neuromf.config.schema import Config, TrainingConfig
from neuromf.diagnosis.logs.levels import Levels
from neuromf.monitor.guard.alarm import Alarm, Level, RawLosses
from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard

STOPS = (Level.HALT, Level.NONFINITE)


@dataclass(frozen=True)
class HeardAlarm:
    """An alarm and where on the log's axis it was first heard."""

    step: float
    alarm: Alarm

    @property
    def stops(self) -> bool:
        """Whether it would have ended the run."""
        return self.alarm.level in STOPS


def heard_alarms(levels: Levels, config: Config | None = None) -> Iterator[HeardAlarm]:
    """Every rule of the guard, each up to its first word; a halt does not end the replay.

    Args:
        levels: of the raw loss, each shown for a block of steps.
        config: the run, where it is one of ours, for its own bounds; its closed form holds in the unit of our traces
            alone and is not asked here.
    """
    training = config.training if config is not None else None
    halt = training.divergence_threshold if training is not None else None
    warn = training.divergence_warn_ratio if training is not None else WARN_RATIO
    guard = DivergenceGuard(warn, halt if halt is not None else HALT_RATIO)
    for step, *level in zip(levels.steps, levels.totals, levels.flows, levels.meanflows, strict=True):
        losses = _losses(*level)
        for _ in range(BLOCK):
            for alarm in guard.observe(losses).fresh:
                yield HeardAlarm(float(step), alarm)


def _losses(total: float, flow: float, meanflow: float) -> RawLosses:
    known = not (math.isnan(flow) or math.isnan(meanflow)) and math.isfinite(flow) and math.isfinite(meanflow)
    return RawLosses(float(total), float(flow), float(meanflow)) if known else RawLosses(float(total))


def onset(levels: Levels, heard: float) -> tuple[float, float]:
    """Where a climb began that was heard at a step: the last level within twice the best one before, and that level."""
    before = levels.steps <= heard
    totals, steps = levels.totals[before], levels.steps[before]
    best = float(totals.min())
    # The climb that is heard is the last one: a loss that was thrown and came back began to climb before that.
    low = np.flatnonzero(totals <= 2 * best)
    return float(steps[low[-1]]), best


WARN_RATIO = float(TrainingConfig.model_fields["divergence_warn_ratio"].default)
HALT_RATIO = float(TrainingConfig.model_fields["divergence_threshold"].default)
"""The seed's bounds, as every configuration of ours has them unless it says otherwise."""
