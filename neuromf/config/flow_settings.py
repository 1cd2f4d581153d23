"""The part of a configuration that the flow mathematics takes."""

from __future__ import annotations

from dataclasses import fields

from neuromf.config.schema import MeanFlowConfig, TimeSamplingConfig
from neuromf.flow.settings import ObjectiveSettings, TimeSettings


def objective_settings(config: MeanFlowConfig) -> ObjectiveSettings:
    """Settings of the objective; the channel weights are a tensor that the trainer makes from its latents."""
    return ObjectiveSettings(**{field.name: getattr(config, field.name) for field in fields(ObjectiveSettings)})


def time_settings(config: TimeSamplingConfig) -> TimeSettings:
    """Settings of the time sampler."""
    return TimeSettings(**{field.name: getattr(config, field.name) for field in fields(TimeSettings)})
