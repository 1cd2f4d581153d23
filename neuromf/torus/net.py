"""A perceptron of a point and two times, in several independent copies that are evaluated side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuromf.nets.embedding import sinusoidal
from neuromf.torus.distribution import DIMS

EMBEDDING = 32
"""Dims of the embedding of one time."""


class Linears(nn.Module):
    """One linear layer a copy, M in all: small matrices cost a CPU little more together than one alone.

    Args:
        generators: sources of the weights, one a copy, which draw as `nn.Linear` does.
        inputs: dims in.
        outputs: dims out.
    """

    def __init__(self, generators: Sequence[torch.Generator], inputs: int, outputs: int) -> None:
        super().__init__()
        bound, shape = inputs**-0.5, (inputs + 1, outputs)
        copies = [torch.empty(shape).uniform_(-bound, bound, generator=generator) for generator in generators]
        # The last row is the bias: added by itself, a term without tangent takes torch's forward mode a slow way.
        self.weight = nn.Parameter(torch.stack(copies))

    def forward(self, x_MBI: Tensor) -> Tensor:
        """Apply each copy to its own rows: (M, B, inputs) to (M, B, outputs)."""
        return torch.bmm(functional.pad(x_MBI, (0, 1), value=1.0), self.weight)


class TimeLayers(nn.Module):
    """Two layers on the sinusoidal embeddings of t and of t - r.

    Args:
        generators: sources of the weights, one a copy.
        width: dims out.
        scale: factor on the times before the embedding (law JVP-005).
        precision: type that the embedding is computed in.
    """

    def __init__(
        self, generators: Sequence[torch.Generator], width: int, scale: float, precision: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.scale, self.precision = scale, precision
        self.first, self.second = Linears(generators, 2 * EMBEDDING, width), Linears(generators, width, width)

    def forward(self, r_B: Tensor, t_B: Tensor) -> Tensor:
        """Embed times (M B,) as (M, B, width)."""
        times = [sinusoidal(time.to(self.precision), EMBEDDING, self.scale).to(time) for time in (t_B, t_B - r_B)]
        embedded = torch.cat(times, dim=1).reshape(len(self.first.weight), -1, 2 * EMBEDDING)
        hidden: Tensor = self.second(functional.silu(self.first(embedded)))
        return hidden


class TorusNet(nn.Module):
    """Residual perceptron; copy m serves rows m B to (m + 1) B of its input, and no other copy sees them.

    Args:
        seeds: one a copy; the copy's weights depend on it alone.
        dims: of the points.
        width: of the hidden layers.
        depth: hidden layers.
        time_scale: factor on the times before the embedding.
        precision: type that the embedding is computed in.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        dims: int = DIMS,
        width: int = 64,
        depth: int = 2,
        time_scale: float = 1.0,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.copies = len(generators)
        self.time = TimeLayers(generators, width, time_scale, precision)
        self.first = Linears(generators, dims, width)
        self.hidden = nn.ModuleList([Linears(generators, width, width) for _ in range(depth)])
        self.last = Linears(generators, width, dims)

    def forward(self, z: Tensor, r_B: Tensor, t_B: Tensor) -> Tensor:
        """Predict at points (M B, dims) and times r <= t, every copy with equally many rows."""
        embedding, x = self.time(r_B, t_B), self.first(z.reshape(self.copies, -1, z.shape[1]))
        for layer in self.hidden:
            x = x + layer(functional.silu(x + embedding))
        output: Tensor = self.last(functional.silu(x))
        return output.reshape(z.shape)
