"""zhuyu-cs/MeanFlow: a torch code for ImageNet latents."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from neuromf.conform import Average, Declaration, Guidance, Samples, TimeSampler
from tools.foreign.checkout import checkout, functions, imported
from tools.foreign.given import Called, averaged, noise_is

FOLDER = checkout("zhuyu-cs/MeanFlow")
code = imported(FOLDER, ["loss", "meanflow_sampler"], {})
script = functions(FOLDER / "train.py", ["update_ema"], {"torch": torch, "OrderedDict": OrderedDict})
NO_LABEL = 10


class Adaptive:
    """The weighting that train.py takes by default."""

    library = "torch"
    declares = Declaration(
        name="zhuyu-cs, adaptive weight",
        shape=(1, 2, 2),
        times=TimeSampler(data_proportion=0.25, batch=2_000),
        average=Average(decay=0.9999),
    )
    weighting = "adaptive"

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its losses of the samples, averaged as its script does."""
        return self._value(Called(net, lambda own, z, r, t: own(z, r, t)), samples, {})

    def times(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """What its sampler draws."""
        return self._objective().sample_time_steps(count, torch.device("cpu"))

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler."""
        own = Called(net, lambda own, z, r, t, **_: own(z, r, t))
        return code.meanflow_sampler.meanflow_sampler(own, noise, num_steps=steps)

    def average(self, weights: Sequence[Tensor]) -> Tensor:
        """The average of its script, with its default decay."""
        return averaged(weights, lambda own, kept: partial(script.update_ema, kept, own))

    def _objective(self) -> Any:  # noqa: ANN401
        guidance = self.declares.guidance or Guidance(scale=1.0)
        scales = {"cfg_omega": guidance.scale, "cfg_kappa": guidance.mix, "cfg_max_t": 1.0}
        return code.loss.SILoss(weighting=self.weighting, label_dropout_prob=0.0, **scales)

    def _value(self, model: nn.Module, samples: Samples, labels: dict[str, Tensor]) -> Tensor:
        objective = self._objective()
        objective.sample_time_steps = lambda *_: (samples.r, samples.t)
        with noise_is(samples.e, "randn_like"):
            return objective(model, samples.x, labels)[0].mean()


class Uniform(Adaptive):
    """Without a weight."""

    declares = replace(Adaptive.declares, name="zhuyu-cs, no weight", norm_p=0.0, times=None, average=None)
    weighting = "uniform"


class ZhuyuGuided(Uniform):
    """Without a weight, with guidance inside the loss and no labels dropped."""

    declares = replace(Uniform.declares, name="zhuyu-cs, guidance", guidance=Guidance(scale=0.6, mix=0.25))

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its losses of labelled samples, averaged."""
        model = Called(net, lambda own, z, r, t, y: own(z, r, t, y))
        # Where the wrapper of several ranks keeps it.
        object.__setattr__(model, "module", SimpleNamespace(num_classes=NO_LABEL))
        return self._value(model, samples, {"y": samples.y})


class Script(Adaptive):
    """The loss as train.py calls it, with the averaged network as one argument more."""

    declares = replace(Adaptive.declares, name="zhuyu-cs, as its script calls it", times=None, average=None)

    def _value(self, model: nn.Module, samples: Samples, labels: dict[str, Tensor]) -> Tensor:
        return self._objective()(model, model, samples.x, labels)[0].mean()
