"""A small network of torch, trained with an adapter's loss."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from neuromf_spec.conformance.adapter import Samples
from neuromf_spec.conformance.batch import GivenBatch
from torch import Tensor, nn

from neuromf.conform.one_step.settings import LearnerSettings, learning_rate


class TorchPerceptron(nn.Module):
    """A perceptron of a point and two times; each sample is flattened.

    Args:
        dims: numbers in a sample.
        settings: its size.
        v_head: whether it has a second head.
    """

    def __init__(self, dims: int, settings: LearnerSettings, *, v_head: bool) -> None:
        super().__init__()
        widths = (dims + 2, *[settings.width] * settings.depth)
        hidden = [nn.Sequential(nn.Linear(a, b), nn.SiLU()) for a, b in pairwise(widths)]
        self.trunk = nn.Sequential(*hidden)
        self.output = nn.Linear(widths[-1], dims)
        self.head = nn.Linear(widths[-1], dims) if v_head else None

    def forward(self, z: Tensor, r: Tensor | float, t: Tensor | float, y: object = 0.0) -> Tensor:
        """What the code's network would put out at points z (B, ...); labels are not looked at."""
        output: Tensor = self.output(self._hidden(z, r, t))
        return output.reshape(z.shape)

    def velocity(self, z: Tensor, r: Tensor | float, t: Tensor | float) -> Tensor:
        """The second head at points z (B, ...)."""
        assert self.head is not None
        output: Tensor = self.head(self._hidden(z, r, t))
        return output.reshape(z.shape)

    def _hidden(self, z: Tensor, r: Tensor | float, t: Tensor | float) -> Tensor:
        columns = [torch.as_tensor(time, dtype=z.dtype).reshape(-1, 1).expand(len(z), 1) for time in (r, t)]
        hidden: Tensor = self.trunk(torch.cat([z.flatten(1), *columns], dim=1))
        return hidden


class TorchLearner:
    """A network in training.

    Args:
        adapter: of a torch code.
        settings: of the training.
        seed: of the weights.
    """

    def __init__(self, adapter: Any, settings: LearnerSettings, seed: int) -> None:  # noqa: ANN401
        self.adapter, self.settings = adapter, settings
        declared = adapter.declares
        self.dtype = getattr(torch, declared.precision)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.net = TorchPerceptron(declared.dims, settings, v_head=declared.v_head).to(self.dtype)
        self.optimiser = torch.optim.Adam(self.net.parameters(), settings.learning_rate)

    def step(self, place: int, groups: list[tuple[float, GivenBatch]]) -> None:
        """One update, by groups of samples with their shares of the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, place)
        self.optimiser.zero_grad()
        for share, batch in groups:
            x, e, r, t = (self._tensor(part) for part in (batch.x, batch.e, batch.r, batch.t))
            loss = self.adapter.loss(self.net, Samples(x, e, r, t, torch.from_numpy(batch.y)))
            (share * loss).backward()
        self.optimiser.step()

    def output(self, z: np.ndarray, r: float, t: float) -> np.ndarray:
        """What the network puts out at points (B, ...) and one pair of the code's times."""
        with torch.no_grad():
            found: np.ndarray = self.net(self._tensor(z), r, t).double().numpy()
        return found

    def sample(self, noise: np.ndarray, steps: int) -> np.ndarray:
        """What the code's sampler makes of noise (B, ...)."""
        with torch.no_grad():
            found: np.ndarray = self.adapter.sample(self.net, self._tensor(noise), steps).double().numpy()
        return found

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array, dtype=self.dtype)
