"""haidog-yaqub/MeanFlow: a torch code for MNIST, CIFAR-10 and latents, in its improved mode with a second head."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuromf.conform import Declaration, Samples, Schedule, TimeSampler
from tools.foreign.checkout import checkout, functions, imported
from tools.foreign.given import Called, noise_is

FOLDER = checkout("haidog-yaqub/MeanFlow")
code = imported(FOLDER, ["meanflow"], {}).meanflow
WARMUP, TOTAL = 10, 1_000
# The floor of its cosine is a key of its configuration; the law knows none, so it is zero here.
BENDS = {"math": math, "warmup_steps": WARMUP, "total_steps": TOTAL, "min_lr_ratio": 0.0}
script = functions(FOLDER / "train.py", ["lr_lambda"], BENDS)
UNCHANGED = ["mean_std", [0.0], [1.0]]
"""Mean and standard deviation by which its data are normalised."""


class HaidogImproved:
    """The mode that its configurations name."""

    library = "torch"
    declares = Declaration(
        name="haidog-yaqub, i-meanflow",
        shape=(1, 2, 2),
        tangent="v_head",
        v_head=True,
        norm_eps=0.01,
        reduction="mean",
        times=TimeSampler(data_proportion=0.0, batch=2_000),
        schedule=Schedule(shape="cosine", warmup_steps=WARMUP, total_steps=TOTAL),
    )
    mode = "i-meanflow"

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its loss without labels; its network returns u and v."""
        objective = self._objective()
        objective.sample_t_r = lambda *_: (samples.t, samples.r, torch.ones_like(samples.t))
        with noise_is(samples.e, "randn_like"):
            return objective.loss(Called(net, _heads), samples.x)[0]

    def times(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """What its sampler draws."""
        np.random.seed(seed)
        t, r, _ = self._objective().sample_t_r(count, torch.device("cpu"))
        return r, t

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler."""
        with noise_is(noise, "randn"):
            return self._objective().sample_each_class(
                Called(net, lambda own, z, t, r, y, w: (own(z, r, t), None)), len(noise), [0], steps, "cpu"
            )

    def rate(self, step: int) -> float:
        """The factor of its script."""
        return float(script.lr_lambda(step))

    def _objective(self) -> Any:  # noqa: ANN401
        return code.MeanFlow(mode=self.mode, normalizer=UNCHANGED, cfg_scale=None)


def _heads(net: Any, z: Tensor, t: Tensor, r: Tensor, **named: Any) -> Any:  # noqa: ANN401
    u = net(z, r, t)
    return (u, net.velocity(z, t, t)) if named.get("return_v", True) else u


class First(HaidogImproved):
    """The mode of the first paper."""

    declares = replace(HaidogImproved.declares, name="haidog-yaqub, meanflow", times=None, schedule=None)
    mode = "meanflow"
