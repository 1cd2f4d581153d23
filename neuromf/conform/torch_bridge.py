"""An adapter of a torch code, as the suite asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from neuromf_spec.conformance.adapter import Samples
from neuromf_spec.conformance.batch import GivenBatch
from neuromf_spec.conformance.objective import head_parameters
from neuromf_spec.conformance.subject import Evaluation, Network
from torch import Tensor, nn


class TorchNet(nn.Module):
    """The suite's network as a module, whose parameters are numbers.

    Args:
        network: the fields.
        parameters: values by name.
        dtype: of the parameters.
    """

    def __init__(self, network: Network, parameters: Mapping[str, float], dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network
        made = {name: nn.Parameter(torch.tensor(value, dtype=dtype)) for name, value in parameters.items()}
        self.numbers = nn.ParameterDict(made)

    def forward(self, z: Tensor, r: Tensor | float, t: Tensor | float, y: Tensor | float = 0.0) -> Any:  # noqa: ANN401
        """What the network predicts at points z (B, ...)."""
        return self.network.output(dict(self.numbers.items()), z, r, t, y)

    def velocity(self, z: Tensor, r: Tensor | float, t: Tensor | float) -> Any:  # noqa: ANN401
        """The second head, a velocity at points z (B, ...)."""
        assert self.network.head is not None
        return self.network.head(head_parameters(dict(self.numbers.items())), z, r, t)


class TorchBridge:
    """Turns numpy into tensors and back.

    Args:
        adapter: of a torch code.
    """

    def __init__(self, adapter: Any) -> None:  # noqa: ANN401
        self.adapter = adapter
        self.dtype = getattr(torch, adapter.declares.precision)

    def loss(self, network: Network, parameters: Mapping[str, float], batch: GivenBatch) -> Evaluation:
        """Value and gradient of the code's loss; a parameter that it does not use has the gradient zero."""
        net = TorchNet(network, parameters, self.dtype)
        x, e, r, t = (self._tensor(part) for part in (batch.x, batch.e, batch.r, batch.t))
        value = self.adapter.loss(net, Samples(x, e, r, t, torch.from_numpy(batch.y)))
        if value.requires_grad:
            value.backward()
        gradient = {name: 0.0 if p.grad is None else float(p.grad) for name, p in net.numbers.items()}
        return Evaluation(float(value.detach()), gradient)

    def sample(self, network: Network, parameters: Mapping[str, float], noise: np.ndarray, steps: int) -> np.ndarray:
        """What the code's sampler makes of noise."""
        net = TorchNet(network, parameters, self.dtype)
        with torch.no_grad():
            return _array(self.adapter.sample(net, self._tensor(noise), steps))

    def times(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """What the code's sampler of times draws."""
        torch.manual_seed(seed)
        r, t = self.adapter.times(count, seed)
        return _array(r), _array(t)

    def average(self, weights: Sequence[np.ndarray]) -> np.ndarray:
        """The code's moving average of weights."""
        return _array(self.adapter.average([self._tensor(part) for part in weights]))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array, dtype=self.dtype)


def _array(value: Any) -> np.ndarray:  # noqa: ANN401
    return value.detach().cpu().double().numpy() if isinstance(value, Tensor) else np.asarray(value, dtype=float)
