"""The mathematics of MeanFlow as pure functions on tensors.

One convention everywhere: t = 0 is data, t = 1 is noise, 0 <= r <= t <= 1. Shape suffixes: B batch, C channel,
D depth, H height, W width, T term of the objective; `z_BCDHW` is a batch of latents and `t_B` one time a sample. Any
shape after the batch's axis will do: signals, images, volumes, tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuromf._lazy import lazy

if TYPE_CHECKING:
    from neuromf.flow.batch import Batch, draw_batch
    from neuromf.flow.jvp import central_difference, exact_derivative, finite_difference
    from neuromf.flow.network import Net, NetOutput, velocity_field
    from neuromf.flow.objective import Objective, meanflow_objective
    from neuromf.flow.path import conditional_velocity, interpolate
    from neuromf.flow.sampling import sample
    from neuromf.flow.settings import ObjectiveSettings, TimeSettings
    from neuromf.flow.times import TimePairs, draw_times, fm_mask, sample_times
    from neuromf.flow.weighting import adaptive_weight, potential

_HOMES = {
    "Batch": "neuromf.flow.batch",
    "Net": "neuromf.flow.network",
    "NetOutput": "neuromf.flow.network",
    "Objective": "neuromf.flow.objective",
    "ObjectiveSettings": "neuromf.flow.settings",
    "TimePairs": "neuromf.flow.times",
    "TimeSettings": "neuromf.flow.settings",
    "adaptive_weight": "neuromf.flow.weighting",
    "central_difference": "neuromf.flow.jvp",
    "conditional_velocity": "neuromf.flow.path",
    "draw_batch": "neuromf.flow.batch",
    "draw_times": "neuromf.flow.times",
    "exact_derivative": "neuromf.flow.jvp",
    "finite_difference": "neuromf.flow.jvp",
    "fm_mask": "neuromf.flow.times",
    "interpolate": "neuromf.flow.path",
    "meanflow_objective": "neuromf.flow.objective",
    "potential": "neuromf.flow.weighting",
    "sample": "neuromf.flow.sampling",
    "sample_times": "neuromf.flow.times",
    "velocity_field": "neuromf.flow.network",
}
"""The module that each name comes from: the settings are read where no torch is loaded."""

__all__ = [
    "Batch",
    "Net",
    "NetOutput",
    "Objective",
    "ObjectiveSettings",
    "TimePairs",
    "TimeSettings",
    "adaptive_weight",
    "central_difference",
    "conditional_velocity",
    "draw_batch",
    "draw_times",
    "exact_derivative",
    "finite_difference",
    "fm_mask",
    "interpolate",
    "meanflow_objective",
    "potential",
    "sample",
    "sample_times",
    "velocity_field",
]

__getattr__, __dir__ = lazy(__name__, _HOMES)
