"""Train on the torus, several seeds at once, and judge what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuromf.flow.batch import Batch, draw_batch
from neuromf.flow.network import velocity_field
from neuromf.flow.objective import Objective, meanflow_objective
from neuromf.flow.sampling import sample
from neuromf.flow.settings import ObjectiveSettings, TimeSettings
from neuromf.flow.times import fm_mask
from neuromf.torus.distribution import DIMS, draw_points, sliced_wasserstein, torus_distance
from neuromf.torus.net import TorusNet
from neuromf.training.step.ema import Ema

Build = Callable[[Sequence[int]], nn.Module]
"""Makes a network of one copy a seed, as `TorusNet` does."""
JUDGED = 4096
"""Samples that a training is judged by."""
NOISE_SEED = 1_000_003
"""Added to a training's seed for the noise that its samples are drawn from: no training sees it."""


@dataclass(frozen=True, kw_only=True)
class TorusSettings:
    """A training on the torus; the defaults take some seconds.

    Attributes:
        objective: prediction, tangent, derivative and weight.
        times: distribution of the times.
        steps: optimiser steps.
        batch: samples a step.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
        ema_decay: of the averaged weights, which the samples are drawn with.
        dims: of the space that the torus lies in, at least 4.
    """

    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    times: TimeSettings = field(default_factory=TimeSettings)
    steps: int = 600
    batch: int = 128
    learning_rate: float = 4e-3
    ema_decay: float = 0.98
    dims: int = DIMS


@dataclass(frozen=True)
class TorusTraining:
    """What a training leaves, a column a seed.

    Attributes:
        samples_MBD: samples of one network evaluation each.
        raw_fm_SM: mean raw loss of the step's FM samples, in the unit of the reduction; NaN where there are none.
        raw_mf_SM: of its MF samples.
    """

    samples_MBD: NDArray[np.float64]
    raw_fm_SM: NDArray[np.float64]
    raw_mf_SM: NDArray[np.float64]

    @property
    def distance_M(self) -> NDArray[np.float64]:
        """Mean distance of the samples from the torus."""
        return np.array([torus_distance(points).mean() for points in self.samples_MBD])

    @property
    def wasserstein_M(self) -> NDArray[np.float64]:
        """Sliced Wasserstein distance of the samples from the uniform torus."""
        return np.array([sliced_wasserstein(points) for points in self.samples_MBD])


def train_torus(settings: TorusSettings, seeds: Sequence[int], build: Build | None = None) -> TorusTraining:
    """Train one network a seed, side by side, and draw samples from each.

    A seed decides weights, data, noise and times, and nothing else does: two settings with the same seed are a pair.

    Args:
        settings: of the training.
        seeds: one a network.
        build: makes the networks; `TorusNet` when None.

    >>> trained = train_torus(TorusSettings(steps=10), seeds=(0, 1))
    >>> trained.samples_MBD.shape, trained.distance_M.shape, trained.raw_mf_SM.shape
    ((2, 4096, 4), (2,), (10, 2))
    """
    net = TorusNet(seeds, dims=settings.dims) if build is None else build(seeds)
    average, generators = Ema(net, settings.ema_decay), [np.random.default_rng(seed) for seed in seeds]
    optimiser = torch.optim.Adam(net.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    losses = []
    for step in range(settings.steps):
        objective = meanflow_objective(net, _batch(settings, generators, step), settings.objective)
        optimiser.zero_grad()
        # The mean over a copy's samples: the copies share no weight, so that the sum trains each as if alone.
        (objective.weighted_B.sum() / settings.batch).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        average.update(net)
        losses.append(_raw_losses(objective, len(seeds)))
    average.copy_to(net)
    raw_fm_SM, raw_mf_SM = torch.stack(losses).double().unbind(1)
    return TorusTraining(_draw(net, settings, seeds), raw_fm_SM.numpy(), raw_mf_SM.numpy())


def _batch(settings: TorusSettings, generators: Sequence[np.random.Generator], step: int) -> Batch:
    """One batch a copy, one after the other; each has its FM samples at the same places."""
    start, drawn = step * settings.batch, []
    for generator in generators:
        x = torch.from_numpy(draw_points(settings.batch, generator, settings.dims)).float()
        drawn.append(draw_batch(x, settings.times, generator, start=start))
    x, e, r_B, t_B = (torch.cat([getattr(batch, name) for batch in drawn]) for name in ("x", "e", "r_B", "t_B"))
    is_fm_B = torch.from_numpy(fm_mask(start, settings.batch, settings.times.data_proportion)).repeat(len(drawn))
    # One pair in millions is equal in float32 without being an FM sample, and a copy would have fewer MF samples.
    below_B = torch.nextafter(t_B, torch.zeros_like(t_B))
    return Batch(x, e, torch.where(is_fm_B, t_B, torch.minimum(r_B, below_B)), t_B)


def _raw_losses(objective: Objective, copies: int) -> Tensor:
    """Mean raw loss (2, M) of the FM and of the MF samples of each copy."""
    loss_MB = objective.terms["velocity"].loss_B.detach().reshape(copies, -1)
    is_mf_B = objective.is_mf_B.reshape(copies, -1)[0]
    return torch.stack([loss_MB[:, kind_B].mean(1) for kind_B in (~is_mf_B, is_mf_B)])


def _draw(net: nn.Module, settings: TorusSettings, seeds: Sequence[int]) -> NDArray[np.float64]:
    shape = (JUDGED, settings.dims)
    noise = [np.random.default_rng(NOISE_SEED + seed).standard_normal(shape) for seed in seeds]
    drawn = sample(velocity_field(net, settings.objective), torch.from_numpy(np.concatenate(noise)).float())
    return drawn.double().reshape(len(seeds), *shape).numpy()
