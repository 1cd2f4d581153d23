"""HaoyiZhu/MeanFlow-PyTorch: a torch code for ImageNet latents, after the official JAX code."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neuromf.conform import Average, Declaration, Guidance, Samples, TimeSampler
from tools.foreign.checkout import checkout, functions, imported
from tools.foreign.given import Called, averaged, noise_is

FOLDER = checkout("HaoyiZhu/MeanFlow-PyTorch")
code = imported(FOLDER, ["meanflow"], {}).meanflow
script = functions(FOLDER / "train_meanflow.py", ["update_ema"], {"torch": torch, "OrderedDict": OrderedDict})


class HaoyiPlain:
    """Without guidance."""

    library = "torch"
    declares = Declaration(
        name="HaoyiZhu",
        shape=(1, 2, 2),
        norm_eps=0.01,
        times=TimeSampler(share_is="per_batch", batch=2_000),
        average=Average(decay=0.9999),
    )
    equation = "none"

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its loss; its network takes (z, t, t - r, label)."""
        objective, wide = self._objective(), (-1, 1, 1, 1)
        objective.sample_tr = lambda *_: (samples.t.reshape(wide), samples.r.reshape(wide))
        model = Called(net, lambda own, z, t, h, y, train: own(z, t - h, t, y))
        with noise_is(samples.e, "randn_like"):
            return objective(model, samples.x, samples.y)[0]

    def times(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """What its sampler draws."""
        t, r = self._objective().sample_tr(count, torch.device("cpu"))
        return r, t

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler."""
        own = Called(net, lambda own, z, t, h, y, train: own(z, t - h, t))
        return code.mean_flow_sampler(own, self._objective(), noise, torch.zeros(len(noise)), num_steps=steps)

    def average(self, weights: Sequence[Tensor]) -> Tensor:
        """The average of its script, with its default decay."""
        return averaged(weights, lambda own, kept: partial(script.update_ema, kept, own))

    def _objective(self) -> Any:  # noqa: ANN401
        guidance = self.declares.guidance or Guidance(scale=1.0)
        scales = {"omega": guidance.scale, "kappa": guidance.mix, "num_classes": guidance.no_label}
        objective = code.MeanFlow(guidance_eq=self.equation, class_dropout_prob=0.0, **scales)
        objective.dtype = torch.float64
        return objective


class HaoyiGuided(HaoyiPlain):
    """With guidance inside the loss and no labels dropped; its scales pass through float32, which holds these."""

    declares = replace(
        HaoyiPlain.declares, name="HaoyiZhu, guidance", guidance=Guidance(scale=0.5, mix=0.25), times=None, average=None
    )
    equation = "cfg"
