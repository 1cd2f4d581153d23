"""The raw loss of predicting nothing, in closed form: an initial level that need not be measured (law GUARD-004).

A network whose output is zero has a known loss for each pair of times (`neuromf_spec.reference.initial_loss`); its mean
over the times that the run draws is where training starts, and no trained network should be above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from neuromf_spec.laws.divergence import HALT_FACTOR, WARN_FACTOR, above_nothing

from neuromf.config.flow_settings import time_settings
from neuromf.config.schema import Config
from neuromf.monitor.guard.alarm import Alarm, Level, RawLosses, alarm_of

POINTS = 2**14
"""Quasi-random pairs of times; the mean of 1/t^2 is then within 0.1 % of its quadrature (tests/unit/monitor)."""
DATA_VARIANCE = 1.0
"""Of latents normalised per channel (law DATA-001)."""


@dataclass(frozen=True)
class ZeroPredictorLoss:
    """Expected raw loss of a network that outputs zero, squared latent per dim.

    Attributes:
        total: of all terms added, over all samples.
        flow: of FM samples.
    """

    total: float
    flow: float

    def judge(self, losses: RawLosses, *, armed: bool) -> Alarm | None:
        """Judge a block's losses: FM above 100 x predicting nothing is beyond doubt, a total above 10 x is a warning.

        Args:
            losses: medians of a block of steps.
            armed: whether the guard may halt.
        """
        if losses.flow is not None:
            finding = above_nothing(loss=losses.flow, expected=self.flow, factor=HALT_FACTOR)
            if not finding.passed:
                return alarm_of("GUARD-004", Level.HALT if armed else Level.WARN, finding)
        finding = above_nothing(loss=losses.total, expected=self.total, factor=WARN_FACTOR)
        return None if finding.passed else alarm_of("GUARD-004", Level.WARN, finding)


@cache
def anchor(config: Config) -> ZeroPredictorLoss:
    """The closed form for a configuration's sampler, prediction, tangent, clamp and terms."""
    # Imported here, for the static gate tests a guard without numpy.
    import numpy as np
    from neuromf_spec.reference.initial_loss import zero_predictor
    from scipy import special

    from neuromf.flow.times import NORMALS_PER_SAMPLE, UNIFORMS_PER_SAMPLE, draw_times
    from neuromf.monitor.guard.quasi_random import sobol_points

    settings, times = config.meanflow, time_settings(config.time_sampling)
    points = sobol_points(NORMALS_PER_SAMPLE + UNIFORMS_PER_SAMPLE, POINTS) + 0.5 / POINTS
    normal, uniform = special.ndtri(points[:, :NORMALS_PER_SAMPLE]), points[:, NORMALS_PER_SAMPLE:]

    def mean_loss(*, is_fm: bool, at_t: bool = False) -> float:
        pairs = draw_times(normal, uniform, np.full(POINTS, is_fm), times)
        start = pairs.t_B if at_t else pairs.r_B
        low, high = settings.guidance_interval
        omega = np.where((pairs.t_B >= low) & (pairs.t_B <= high), settings.guidance_scale, 1.0)
        told = 1 - config.covariates.dropout if settings.guided else 0.0
        kind = settings.prediction, settings.tangent, settings.t_min
        untold = zero_predictor(start, pairs.t_B, *kind).expected_loss(DATA_VARIANCE).mean()
        guided = zero_predictor(start, pairs.t_B, *kind, omega).expected_loss(DATA_VARIANCE).mean()
        return float(told * guided + (1 - told) * untold)

    share, flow = times.data_proportion, mean_loss(is_fm=True)
    total = share * flow + (1 - share) * mean_loss(is_fm=False)
    if settings.loss_terms == "dual":
        total += share * flow + (1 - share) * mean_loss(is_fm=False, at_t=True)
    return ZeroPredictorLoss(total, flow)
