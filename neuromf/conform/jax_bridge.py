"""An adapter of a JAX code, as the suite asks it. JAX is optional, and imported here alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from neuromf_spec.conformance.adapter import Samples
from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.objective import head_parameters
from neuromf_spec.conformance.subject import Evaluation, Network


class JaxNet:
    """The suite's network as a function of arrays, with its parameters bound.

    Args:
        network: the fields.
        parameters: values by name; under a derivative they are traced.
    """

    def __init__(self, network: Network, parameters: Mapping[str, Any]) -> None:
        self.network = network
        self.parameters = parameters

    def __call__(self, z: Any, r: Any, t: Any, y: Any = 0.0) -> Any:  # noqa: ANN401
        """What the network predicts at points z (B, ...)."""
        return self.network.output(self.parameters, z, r, t, y)

    def velocity(self, z: Any, r: Any, t: Any) -> Any:  # noqa: ANN401
        """The second head, a velocity at points z (B, ...)."""
        assert self.network.head is not None
        return self.network.head(head_parameters(self.parameters), z, r, t)


class JaxBridge:
    """Turns numpy into arrays of JAX and back, in float64 where the code declares it.

    Args:
        adapter: of a JAX code.
    """

    def __init__(self, adapter: Any) -> None:  # noqa: ANN401
        self.adapter = adapter
        double = adapter.declares.precision == "float64"
        jax.config.update("jax_enable_x64", double)
        self.dtype = jnp.float64 if double else jnp.float32

    def loss(self, network: Network, parameters: Mapping[str, float], batch: GivenBatch) -> Evaluation:
        """Value and gradient of the code's loss."""
        x, e, r, t = (self._array(part) for part in (batch.x, batch.e, batch.r, batch.t))
        samples = Samples(x, e, r, t, jnp.asarray(batch.y))

        def value_of(numbers: Mapping[str, Any]) -> Any:  # noqa: ANN401
            return self.adapter.loss(JaxNet(network, numbers), samples)

        numbers = {name: self._array(value) for name, value in parameters.items()}
        value, gradient = jax.value_and_grad(value_of)(numbers)
        return Evaluation(float(value), {name: float(part) for name, part in gradient.items()})

    def sample(self, network: Network, parameters: Mapping[str, float], noise: np.ndarray, steps: int) -> np.ndarray:
        """What the code's sampler makes of noise."""
        net = JaxNet(network, {name: self._array(value) for name, value in parameters.items()})
        return np.asarray(self.adapter.sample(net, self._array(noise), steps), dtype=float)

    def times(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """What the code's sampler of times draws."""
        r, t = self.adapter.times(count, seed)
        return np.asarray(r, dtype=float), np.asarray(t, dtype=float)

    def average(self, weights: Sequence[np.ndarray]) -> np.ndarray:
        """The code's moving average of weights."""
        return np.asarray(self.adapter.average([self._array(part) for part in weights]), dtype=float)

    def _array(self, value: Any) -> Any:  # noqa: ANN401
        return jnp.asarray(value, dtype=self.dtype)
