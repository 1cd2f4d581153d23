"""The settings on a Gaussian and on rings, where the right samples are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from neuromf_spec.conformance.adapter import Samples
from neuromf_spec.conformance.declaration import Declaration
from torch import Tensor

from neuromf.config.flow_settings import objective_settings, time_settings
from neuromf.conform.one_step.settings import LearnerSettings
from neuromf.conform.one_step.training import train_one_step
from neuromf.flow.batch import Batch
from neuromf.flow.network import Net, velocity_field
from neuromf.flow.objective import meanflow_objective
from neuromf.flow.sampling import sample
from neuromf.flow.times import sample_times
from tools.studies.times.plan import ARMS, Arm

SETTINGS = LearnerSettings(steps=2_000)
DIMS = 8


@dataclass(frozen=True)
class ToyRow:
    """One training's end; distances are sliced Wasserstein distances from fresh data.

    Attributes:
        arm: the setting.
        truth: the distribution.
        seed: of weights, data and draws.
        one: distance of samples of one evaluation.
        two: of two.
        four: of four.
        spread: standard deviation of one-step samples over that of data.
        real: distance of fresh data from fresh data.
    """

    arm: str
    truth: str
    seed: int
    one: float
    two: float
    four: float
    spread: float
    real: float


class ArmAdapter:
    """Our objective, times and sampler with the settings of an arm.

    Args:
        arm: the setting.
    """

    library = "torch"

    def __init__(self, arm: Arm) -> None:
        config = arm.config(0)
        self.objective, self.settings = objective_settings(config.meanflow), time_settings(config.time_sampling)
        self.declares = Declaration(shape=(DIMS,), precision="float32", prediction=self.objective.prediction)
        self.drawn = 0

    def loss(self, net: Net, samples: Samples) -> Tensor:
        """The weighted objective."""
        batch = Batch(samples.x, samples.e, samples.r, samples.t)
        return meanflow_objective(net, batch, self.objective).weighted_B.mean()

    def times(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The next samples' times."""
        pairs = sample_times(count, self.settings, np.random.default_rng(seed), start=self.drawn)
        self.drawn += count
        return pairs.r_B, pairs.t_B

    def sample(self, net: Net, noise: Tensor, steps: int) -> Tensor:
        """Data from noise."""
        return sample(velocity_field(net, self.objective), noise, steps, self.objective.t_min)


def toy_rows(arm: str, seed: int, settings: LearnerSettings = SETTINGS) -> list[ToyRow]:
    """Train one setting with one seed on each distribution."""
    (chosen,) = (one for one in ARMS if one.name == arm)
    outcomes = train_one_step(ArmAdapter(chosen), seed=seed, settings=settings)
    rows = []
    for found in outcomes:
        one, two, four = (found.distances[evaluations] for evaluations in (1, 2, 4))
        rows.append(ToyRow(arm, found.truth, seed, one, two, four, found.spread, found.real))
    return rows
