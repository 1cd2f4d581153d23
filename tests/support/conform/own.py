"""Our own trainer as a code under judgement: its objective, times, sampler, average and schedule as they are."""

from __future__ import annotations

import numpy as np
import torch

from neuromf.conform import Average, Declaration, Schedule, TimeSampler
from neuromf.flow import Batch, NetOutput, ObjectiveSettings, TimeSettings, meanflow_objective, sample, sample_times
from neuromf.flow import velocity_field as field_of
from neuromf.flow.sampling import time_grid
from neuromf.training.step.ema import Ema
from neuromf.training.step.schedule import lr_multiplier

TIMES = TimeSampler(
    mu=-0.4,
    sigma=1.0,
    data_proportion=0.75,
    share_is="exact",
    uniform_fraction=0.2,
    t_min=0.05,
    batch=1_000,
)


class Own:
    """The settings of `recommended`: x-prediction, the model's own tangent, a mean over dims."""

    library = "torch"
    settings = ObjectiveSettings()
    declares = Declaration(
        name="neuromf",
        prediction="x",
        t_min=0.05,
        tangent="model",
        norm_p=1.0,
        norm_eps=1.0,
        reduction="mean",
        times=TIMES,
        average=Average(decay=0.9),
        schedule=Schedule(shape="linear", warmup_steps=10, total_steps=100),
    )

    def __init__(self):
        self.drawn = 0

    def loss(self, net, samples):
        """The weighted objective, averaged over the batch as the trainer does."""

        def network(z, r_B, t_B):
            output = net(z, r_B, t_B)
            return NetOutput(output, net.velocity(z, r_B, t_B)) if self.declares.v_head else output

        batch = Batch(samples.x, samples.e, samples.r, samples.t)
        return meanflow_objective(network, batch, self.settings).weighted_B.mean()

    def times(self, count, seed):
        """The next samples of a run."""
        pairs = sample_times(count, TimeSettings(), np.random.default_rng(seed), start=self.drawn)
        self.drawn += count
        return pairs.r_B, pairs.t_B

    def sample(self, net, noise, steps):
        """Data from noise."""
        return sample(field_of(net, self.settings), noise, steps, self.settings.t_min)

    def grid(self, steps):
        """The sampler's times."""
        return time_grid(steps, self.settings.t_min)

    def average(self, weights):
        """The average that the trainer keeps."""
        model = torch.nn.Module()
        model.weight = torch.nn.Parameter(weights[0].clone())
        kept = Ema(model, 0.9)
        for present in weights[1:]:
            with torch.no_grad():
                model.weight.copy_(present)
            kept.update(model)
        return kept.shadow["weight"]

    def rate(self, step):
        """The factor on the rate."""
        return lr_multiplier(step, 100, 10, "linear")


class OwnOfficial(Own):
    """The settings of MeanFlow's paper."""

    settings = ObjectiveSettings(
        prediction="u", tangent="conditional", reduction="sum", norm_eps=1e-3, norm_p=0.75, t_min=0.05
    )
    declares = Declaration(name="neuromf, official", norm_p=0.75, norm_eps=1e-3)
    times = sample = average = rate = None


class OwnDual(Own):
    """Two terms and a second head that gives the tangent."""

    settings = ObjectiveSettings(prediction="u", tangent="v_head", loss_terms="dual", norm_eps=0.01)
    declares = Declaration(
        name="neuromf, dual", tangent="v_head", v_head=True, terms="dual", norm_eps=0.01, reduction="mean"
    )
    times = sample = average = rate = None


class OwnDifference(Own):
    """A declared central difference."""

    settings = ObjectiveSettings(
        prediction="u", tangent="conditional", jvp="finite_difference", fd_step=0.005, fd_scheme="central"
    )
    declares = Declaration(name="neuromf, difference", derivative="central", step=0.005, norm_eps=1.0, reduction="mean")
    times = sample = average = rate = None
