"""A small network under JAX, trained with an adapter's loss; the step is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from neuromf_spec.conformance.adapter import Samples
from neuromf_spec.conformance.batch import GivenBatch

from neuromf.conform.one_step.settings import LearnerSettings, learning_rate

Weights = Mapping[str, Any]
BETAS, TINY = (0.9, 0.999), 1e-8
"""Of Adam, as in its paper (arXiv:1412.6980)."""


class JaxPerceptron:
    """A perceptron of a point and two times, with its weights bound.

    Args:
        weights: by name; under a derivative they are traced.
        depth: hidden layers.
    """

    def __init__(self, weights: Weights, depth: int) -> None:
        self.weights, self.depth = weights, depth

    def __call__(self, z: Any, r: Any, t: Any, y: Any = 0.0) -> Any:  # noqa: ANN401
        """What the code's network would put out at points z (B, ...); labels are not looked at."""
        return self._layer("output", self._hidden(z, r, t)).reshape(z.shape)

    def velocity(self, z: Any, r: Any, t: Any) -> Any:  # noqa: ANN401
        """The second head at points z (B, ...)."""
        return self._layer("head", self._hidden(z, r, t)).reshape(z.shape)

    def _hidden(self, z: Any, r: Any, t: Any) -> Any:  # noqa: ANN401
        columns = [jnp.broadcast_to(jnp.reshape(jnp.asarray(time, z.dtype), (-1, 1)), (len(z), 1)) for time in (r, t)]
        hidden = jnp.concatenate([z.reshape(len(z), -1), *columns], axis=1)
        for layer in range(self.depth):
            hidden = jax.nn.silu(self._layer(f"hidden_{layer}", hidden))
        return hidden

    def _layer(self, name: str, x: Any) -> Any:  # noqa: ANN401
        return x @ self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


class JaxLearner:
    """A network in training.

    Args:
        adapter: of a JAX code.
        settings: of the training.
        seed: of the weights.
    """

    def __init__(self, adapter: Any, settings: LearnerSettings, seed: int) -> None:  # noqa: ANN401
        self.adapter, self.settings = adapter, settings
        double = adapter.declares.precision == "float64"
        jax.config.update("jax_enable_x64", double)
        self.dtype = jnp.float64 if double else jnp.float32
        drawn = _initial(adapter.declares.dims, settings, adapter.declares.v_head, np.random.default_rng(seed))
        self.weights = {name: jnp.asarray(value, self.dtype) for name, value in drawn.items()}
        self.means = jax.tree.map(jnp.zeros_like, self.weights)
        self.squares = jax.tree.map(jnp.zeros_like, self.weights)
        self._gradient = jax.jit(jax.grad(self._loss))

    def step(self, place: int, groups: list[tuple[float, GivenBatch]]) -> None:
        """One update, by groups of samples with their shares of the loss."""
        total = jax.tree.map(jnp.zeros_like, self.weights)
        for share, batch in groups:
            given = [jnp.asarray(part, self.dtype) for part in (batch.x, batch.e, batch.r, batch.t)]
            part = self._gradient(self.weights, *given, jnp.asarray(batch.y))
            total = jax.tree.map(lambda a, b, share=share: a + share * b, total, part)
        first, second = BETAS
        self.means = jax.tree.map(lambda m, g: first * m + (1 - first) * g, self.means, total)
        self.squares = jax.tree.map(lambda s, g: second * s + (1 - second) * g**2, self.squares, total)
        mean_scale, square_scale = 1 - first ** (place + 1), 1 - second ** (place + 1)
        rate = learning_rate(self.settings, place)

        def updated(weight: Any, mean: Any, square: Any) -> Any:  # noqa: ANN401
            return weight - rate * (mean / mean_scale) / (jnp.sqrt(square / square_scale) + TINY)

        self.weights = jax.tree.map(updated, self.weights, self.means, self.squares)

    def output(self, z: np.ndarray, r: float, t: float) -> np.ndarray:
        """What the network puts out at points (B, ...) and one pair of the code's times."""
        return np.asarray(self._net(self.weights)(jnp.asarray(z, self.dtype), r, t), dtype=float)

    def sample(self, noise: np.ndarray, steps: int) -> np.ndarray:
        """What the code's sampler makes of noise (B, ...)."""
        drawn = self.adapter.sample(self._net(self.weights), jnp.asarray(noise, self.dtype), steps)
        return np.asarray(drawn, dtype=float)

    def _net(self, weights: Weights) -> JaxPerceptron:
        return JaxPerceptron(weights, self.settings.depth)

    def _loss(self, weights: Weights, x: Any, e: Any, r: Any, t: Any, y: Any) -> Any:  # noqa: ANN401
        return self.adapter.loss(self._net(weights), Samples(x, e, r, t, y))


def _initial(dims: int, settings: LearnerSettings, v_head: bool, generator: np.random.Generator) -> dict[str, Any]:
    """Weights and biases uniform within one over the root of the inputs, as torch draws them."""
    sizes = {
        f"hidden_{layer}": (settings.width if layer else dims + 2, settings.width) for layer in range(settings.depth)
    }
    sizes |= dict.fromkeys(("output", *(["head"] if v_head else [])), (settings.width, dims))
    weights: dict[str, Any] = {}
    for name, (inputs, outputs) in sizes.items():
        bound = inputs**-0.5
        weights[f"{name}.weight"] = generator.uniform(-bound, bound, (inputs, outputs))
        weights[f"{name}.bias"] = generator.uniform(-bound, bound, outputs)
    return weights
