"""Gsunshine/py-meanflow: the authors' torch code for CIFAR-10, with both of its samplers of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from neuromf.conform import Average, Declaration, Samples, TimeSampler
from tools.foreign.checkout import checkout, imported
from tools.foreign.given import Called, averaged, noise_is

code = imported(checkout("Gsunshine/py-meanflow") / "meanflow", ["models.meanflow", "models.time_sampler"], {})

NAMES = {"mu": "P_mean_t", "sigma": "P_std_t", "r_mu": "P_mean_r", "r_sigma": "P_std_r"}
EMA = "a step's weights are taken once in 16 steps, with decay^16, to save time (models/ema.py)"


class V0:
    """Times as in the paper, with the values of scripts/cifar10_v0.sh."""

    library = "torch"
    declares = Declaration(
        name="py-meanflow, times v0",
        shape=(1, 2, 2),
        norm_p=0.75,
        times=TimeSampler(mu=-2.0, sigma=2.0, data_proportion=0.25),
        average=Average(decay=0.9999, every=16),
        deviations={"EMA-001": EMA},
    )
    sampler = "v0"

    def loss(self, net: Any, samples: Samples) -> Tensor:  # noqa: ANN401
        """Its loss; its network takes (z, (t, t - r), augmentation)."""
        model = self._model(Called(net, lambda own, z, times, _: own(z, times[0] - times[1], times[0])))
        given = mock.patch.object(code.meanflow, "sample_two_timesteps", return_value=(samples.t, samples.r))
        with given, noise_is(samples.e, "randn_like"):
            return model.forward_with_loss(samples.x, None)

    def times(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """What its sampler draws."""
        t, r = code.time_sampler.sample_two_timesteps(self._arguments(), count, torch.device("cpu"))
        return r, t

    def sample(self, net: Any, noise: Tensor, steps: int) -> Tensor:  # noqa: ANN401
        """Its sampler, which has one step."""
        if steps != 1:
            raise NotImplementedError("the code samples in one step alone")
        own = Called(net, lambda own, z, times, aug_cond: own(z, times[0] - times[1], times[0]))
        with noise_is(noise, "randn"):
            return self._model(own).sample(noise.shape, net=own)

    def average(self, weights: Sequence[Tensor]) -> Tensor:
        """The first of its averages."""
        return averaged(weights, lambda own, kept: self._model(own, kept).update_ema)

    def _model(self, *nets: nn.Module) -> Any:  # noqa: ANN401
        made = iter(nets)
        return code.meanflow.MeanFlow(lambda **_: next(made, None) or nn.Module(), self._arguments(), {})

    def _arguments(self) -> SimpleNamespace:
        declared = self.declares
        times = {name: getattr(declared.times, own) for own, name in NAMES.items()}
        times |= {"P_mean_r": -4.0, "P_std_r": 1.6} if self.sampler == "v1" else {"P_mean_r": -2.0, "P_std_r": 2.0}
        share = {"ratio": 0.75, "tr_sampler": self.sampler}
        weight = {"norm_p": declared.norm_p, "norm_eps": declared.norm_eps}
        return SimpleNamespace(ema_decay=0.9999, ema_decays=[], **times, **share, **weight)


class V1(V0):
    """Times of the code's own default: r = t is imposed on what is left unsorted."""

    declares = replace(
        V0.declares,
        name="py-meanflow, times v1",
        times=TimeSampler(mu=-0.6, sigma=1.6, r_mu=-4.0, r_sigma=1.6, data_proportion=0.25, fm_time="single"),
        deviations={
            "EMA-001": EMA,
            "TIME-002": "version 1 sets r to t where r was drawn larger, which adds to the share",
            "TIME-003": "version 1 keeps t as it was drawn and does not sort the pair",
        },
    )
    sampler = "v1"
