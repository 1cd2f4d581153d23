"""Improved MeanFlow and pixel MeanFlow, two JAX codes of one make: what their adapters share."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from neuromf.conform import Average, Declaration, Samples, TimeSampler
from tools.foreign.given_jax import Nets, given, key, settings, wide

DECAY = 0.9999
DECLARES = Declaration(
    shape=(2, 2, 1),
    tangent="v_head",
    v_head=True,
    norm_eps=0.01,
    times=TimeSampler(data_proportion=0.5, share_is="per_batch", batch=2_000),
    average=Average(decay=DECAY),
)


class Improved:
    """A code whose network returns u and v, with guidance of scale 1, which is none.

    Its guidance mixes what the second head says of two labels, of which the suite has no law.
    """

    library = "jax"
    declares = DECLARES
    modules: ClassVar[SimpleNamespace]
    nets: ClassVar[Nets]
    module: ClassVar[Any]
    generate: ClassVar[Any]

    def loss(self, net: Any, samples: Samples) -> Any:  # noqa: ANN401
        """Its loss; its network takes (z, t, t - r, omega, its interval, label)."""
        self._show(net)
        t, r = wide(samples.t), wide(samples.r)
        drawn = {"sample_tr": lambda *_: (t, r, t == r), "sample_cfg_scale": lambda *_, **__: jnp.ones_like(t)}
        with given(self.module, samples.e, **drawn):
            return self._model().apply({}, samples.x, samples.y, method="forward", rngs=key(0))[0]

    def times(self, count: int, seed: int) -> tuple[Any, Any]:
        """What its sampler draws."""
        t, r, _ = self._model().apply({}, count, method="sample_tr", rngs=key(seed))
        return r.ravel(), t.ravel()

    def sample(self, net: Any, noise: Any, steps: int) -> Any:  # noqa: ANN401
        """Its sampler."""
        self._show(net)
        shape = settings(self.declares.shape)
        with given(self.module, noise):
            return type(self).generate({}, self._model(), jax.random.key(0), len(noise), shape, steps, 1.0, 0.0, 1.0)

    def average(self, weights: Sequence[Any]) -> Any:  # noqa: ANN401
        """Its average."""
        kept = weights[0]
        for present in weights[1:]:
            kept = self.modules.ema_util.update_ema(kept, present, DECAY)
        return kept

    def _show(self, net: Any) -> None:  # noqa: ANN401
        self.nets.call = lambda z, t, h, *_: (net(z, t - h, t), net.velocity(z, t, t))

    def _model(self) -> Any:  # noqa: ANN401
        return self.module(model_str="made", class_dropout_prob=0.0)
