"""Gsunshine/meanflow: the authors' JAX code for ImageNet latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from neuromf.conform import Average, Declaration, Guidance, Samples, TimeSampler
from tools.foreign.checkout import checkout, imported
from tools.foreign.given_jax import Nets, given, key, settings, wide

NETS = Nets()
code = imported(checkout("Gsunshine/meanflow"), ["meanflow", "utils.ema_util"], {"models": {"models_dit": NETS}})


class OfficialPlain:
    """Without guidance, and with the times of its sampler as they are when none are given."""

    library = "jax"
    declares = Declaration(
        name="official MeanFlow",
        shape=(2, 2, 1),
        norm_eps=0.01,
        times=TimeSampler(share_is="per_batch", batch=2_000),
        average=Average(decay=0.9999),
    )
    equation = ""
    given_times = False

    def loss(self, net: Any, samples: Samples) -> Any:  # noqa: ANN401
        """Its loss; its network takes (z, t, t - r, label)."""
        NETS.call = lambda z, t, h, y, **_: net(z, t - h, t, y)
        model = self._model()
        with given(type(model), samples.e, sample_tr=lambda *_: (wide(samples.t), wide(samples.r))):
            return model.apply({}, samples.x, samples.y, method="forward", rngs=key(0))[0]

    def times(self, count: int, seed: int) -> tuple[Any, Any]:
        """What its sampler draws."""
        t, r = self._model().apply({}, count, method="sample_tr", rngs=key(seed))
        return r.ravel(), t.ravel()

    def sample(self, net: Any, noise: Any, steps: int) -> Any:  # noqa: ANN401
        """Its sampler."""
        NETS.call = lambda z, t, h, y, **_: net(z, t - h, t)
        model = self._model(jnp.linspace(1.0, 0.0, steps + 1) if self.given_times else None)
        with given(type(model), noise):
            return code.meanflow.generate(
                {}, model, jax.random.key(0), len(noise), settings(self.declares.shape, num_steps=steps)
            )

    def average(self, weights: Sequence[Any]) -> Any:  # noqa: ANN401
        """Its average."""
        kept = weights[0]
        for present in weights[1:]:
            kept = code.ema_util.update_ema(kept, present, 0.9999)
        return kept

    def _model(self, times: Any = None) -> Any:  # noqa: ANN401
        guidance = self.declares.guidance or Guidance(scale=1.0)
        return code.meanflow.MeanFlow(
            model_str="made",
            model_config={},
            num_classes=guidance.no_label,
            guidance_eq=self.equation,
            omega=guidance.scale,
            kappa=guidance.mix,
            class_dropout_prob=0.0,
            sampling_timesteps=times,
        )


class GivenTimes(OfficialPlain):
    """With the times of its sampler given."""

    declares = replace(OfficialPlain.declares, name="official MeanFlow, sampling_timesteps given")
    given_times = True


class OfficialGuided(GivenTimes):
    """With guidance inside the loss and no labels dropped."""

    declares = replace(
        OfficialPlain.declares,
        name="official MeanFlow, guidance",
        guidance=Guidance(scale=0.5, mix=0.25),
        times=None,
        average=None,
    )
    equation = "cfg"
