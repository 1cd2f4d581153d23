"""The times of a run's samples, each a function of (configuration, step, sample); without torch."""

from __future__ import annotations

import numpy as np

from neuromf.config.derived import run_facts
from neuromf.config.flow_settings import time_settings
from neuromf.config.schema import Config
from neuromf.flow.times import NORMALS_PER_SAMPLE, UNIFORMS_PER_SAMPLE, TimePairs, draw_times, fm_mask
from neuromf.training.batches.randomness import Purpose, generator


def draw_step_times(config: Config, step: int, start: int, count: int) -> TimePairs:
    """Times of the samples `start .. start + count - 1` of optimiser step `step`, as the run itself draws them."""
    seed, settings = config.training.seed, time_settings(config.time_sampling)
    draws = [generator(seed, Purpose.TIMES, step, sample) for sample in range(start, start + count)]
    normal = np.stack([g.standard_normal(NORMALS_PER_SAMPLE) for g in draws])
    uniform = np.stack([g.random(UNIFORMS_PER_SAMPLE) for g in draws])
    position = step * run_facts(config).effective_batch + start
    return draw_times(normal, uniform, fm_mask(position, count, settings.data_proportion), settings)
